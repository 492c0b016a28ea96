import { shellWord } from "../finding.ts";

/** Its name has no dot, or run-parts(8) would pass it over. */
export const cronScriptPath = "/etc/cron.daily/ec2-backup";

/**
 * The script of /etc/cron.daily.
 *
 * The scripts there run one after the other, so it may not stay for the time of its splay. It goes on in the background,
 * away from every pipe of its caller: the run-parts of cronie would wait for the end of such a pipe, and `run-parts
 * --report` of Debian would lose what comes late. So what cron would mail is mailed here. anacron.service of Debian
 * kills what is left of it when its last script has ended (KillMode=mixed), so the rest runs in a scope of its own.
 * @param program the words that start the agent.
 */
export function cronScript(program: readonly string[]): string {
  const start = program.map(shellWord).join(" ");
  const parts = program.map(shellWord);
  return `#!/bin/sh
# Written by \`ec2-backup install --cron-daily\`; \`ec2-backup uninstall\` removes it.
#
# One backup a day, started in the background at this instance's own offset within 45 min, so that the other daily
# jobs do not wait for it. Success says nothing. What fails is in the system's log and mailed to root, or to
# MAILTO of /etc/crontab. By hand, in the foreground and at once: ${cronScriptPath} --now
#
# Exit codes: those of \`ec2-backup run\` with --now; else 0 as soon as the run is started or another scheduler is
# seen to be at work, and 2 where the agent is gone.
set -u
# cron's own has two directories.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
splay=\${EC2_BACKUP_SPLAY:-45m}

tell() { # of this severity what comes in
  logger -t ec2-backup -p "daemon.$1" || true
}

mail_root() { # with this subject what comes in
  to=\${MAILTO-root}
  [ -n "$to" ] || return 0
  for sendmail in /usr/sbin/sendmail /usr/lib/sendmail; do
    [ -x "$sendmail" ] || continue
    { printf 'To: %s\\nSubject: %s\\nAuto-Submitted: auto-generated\\n\\n' "$to" "$1" && cat; } | "$sendmail" -i -t
    return
  done
  echo "no sendmail is here: nobody was mailed of the failed backup" | tell warning
}

fail() { # with this subject what is in output
  printf '%s\\n' "$output" | tell err
  printf '%s\\n' "$output" | mail_root "ec2-backup on $(uname -n): $1"
}

# There while the last run from here found another at work.
waited=/var/lib/ec2-backup/cron-waited

run_apart() {
  output=$(${start} run --quiet --splay "$splay" 2>&1)
  code=$?
  case $code in
  0) [ -z "$output" ] || printf '%s\\n' "$output" | tell warning ;;
  75)
    output="another run was at work, so cron made no backup
$output"
    if [ -e "$waited" ]; then
      output="twice in a row: that run may be stuck (see ec2-backup status)
$output"
      fail "no backup, another run holds the lock since the last time"
    else
      printf '%s\\n' "$output" | tell notice
      mkdir -p -m 700 "\${waited%/*}" && : >"$waited"
    fi
    return
    ;;
  *)
    output="the backup failed with exit code $code
$output"
    fail "exit code $code"
    ;;
  esac
  rm -f "$waited"
}

for part in ${parts.join(" ")}; do
  [ -e "$part" ] && continue
  gone="$part is gone, so no backup was made: install the agent again, or remove $0"
  echo "ec2-backup: $gone" >&2
  echo "$gone" | tell err
  exit 2
done

case \${1-} in
--now) exec ${start} run --quiet ;;
--apart)
  run_apart
  exit 0
  ;;
esac

for unit in ec2-backup.service ec2-backup-run.timer; do
  if systemctl --quiet is-active "$unit" 2>/dev/null; then
    echo "$unit starts the backups of this host, so cron started none" | tell notice
    exit 0
  fi
done

# Away from all that the caller waits for, and under systemd also from what it kills when its own work is done: the
# scope is there before this script ends.
apart='setsid "$0" --apart &'
{ [ -d /run/systemd/system ] && systemd-run --quiet --scope --collect sh -c "$apart" "$0"; } </dev/null >/dev/null 2>&1 ||
  sh -c "$apart" "$0" </dev/null >/dev/null 2>&1
`;
}
