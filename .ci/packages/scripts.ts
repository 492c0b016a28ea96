// What the package managers run around an installation. The packages enable nothing by themselves.
const next = `cat <<'EOF'
ec2-backup is installed. Nothing runs yet. Next:
  sudo ec2-backup doctor              what would keep backups from being made
  sudo ec2-backup install             a timer, the daemon or cron: shown first
EOF`;

/** A daemon at work lets its run end before it is started anew, so nobody waits for that here. */
const restart = `[ ! -d /run/systemd/system ] || systemctl --no-block try-restart ec2-backup.service || :`;
const reload = `[ ! -d /run/systemd/system ] || systemctl daemon-reload || :`;

/**
 * What would call the program when it is no longer there: what `install` wrote for cron, and units. Drop-ins and what
 * an administrator wrote stay.
 */
function leave(units: readonly string[]): string {
  const enabled = units.filter((unit) => unit !== "ec2-backup-beat.service");
  return `if [ -e /etc/cron.daily/ec2-backup ]; then
  timeout 120 /usr/bin/ec2-backup uninstall --yes </dev/null >/dev/null 2>&1 || :
fi
if command -v systemctl >/dev/null 2>&1; then
  systemctl --no-reload disable ${enabled.join(" ")} >/dev/null 2>&1 || :
  [ ! -d /run/systemd/system ] || systemctl stop ${units.join(" ")} || :
fi`;
}

/**
 * The last moment at which there is a program that can thaw what a killed run has left frozen. A thaw waits up to 65 s.
 * Without a trace of a run nothing is asked, so that a program that cannot start can be removed.
 * @param otherwise what is done where something may be frozen still.
 */
function thaw(otherwise: string): string {
  return `if [ -n "$(ls -A /run/ec2-backup 2>/dev/null)" ]; then
  timeout 120 /usr/bin/ec2-backup thaw --leftovers </dev/null >&2 || {
    cat >&2 <<'EOF'
ec2-backup: A FILESYSTEM OR A DATABASE MAY BE FROZEN OR LOCKED STILL (see above).
EOF
${otherwise}
  }
fi`;
}

const refuseToGo = `    cat >&2 <<'EOF'
Without this program nothing could thaw it, so the package stays; backups are stopped.
Let a run that is at work end, see \`ec2-backup thaw\`, and remove the package again.
A reboot thaws everything, too.
EOF
    exit 1`;
const warnAtLeast = `    cat >&2 <<'EOF'
The program goes all the same: thaw by \`fsfreeze --unfreeze MOUNTPOINT\`, or reboot,
which thaws everything. A hung \`touch\` on a filesystem shows that it is frozen.
EOF`;

export function debScripts(units: readonly string[]): Record<"postinst" | "prerm" | "postrm", string> {
  return {
    postinst: `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  ${reload}
  if [ -n "$2" ]; then
    ${restart}
  else
    cat <<'EOF'
${next.split("\n").slice(1).join("\n")}
  fi
fi
`,
    prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] || [ "$1" = deconfigure ]; then
${leave(units)}
fi
if [ "$1" = remove ]; then
${thaw(refuseToGo)}
fi
`,
    postrm: `#!/bin/sh
set -e
case "$1" in
  remove)
    ${reload}
    ;;
  purge)
    rm -rf /etc/ec2-backup /var/lib/ec2-backup /var/cache/ec2-backup /var/log/ec2-backup
    echo "ec2-backup: configuration and state are gone; every snapshot in AWS stays."
    ;;
esac
`,
  };
}

/** A failing %preun would leave rpm's transaction half done, so there it is a warning. rpm says in $1 how many versions there will be: one at the first installation, two in an upgrade. */
export function rpmScripts(units: readonly string[]): Record<"post" | "preun" | "postun", string> {
  return {
    post: `${reload}\nif [ "$1" -eq 1 ]; then\n${next}\nfi\n`,
    preun: `if [ "$1" -eq 0 ]; then\n${leave(units)}\n${thaw(warnAtLeast)}\nfi\n`,
    postun: `${reload}\nif [ "$1" -ge 1 ]; then\n  ${restart}\nfi\n`,
  };
}
