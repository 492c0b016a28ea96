import { Option } from "commander";
import type { InstallKind } from "../core/install/words.ts";
import type { AddWords } from "./parse.ts";

const examples = `Examples:
  sudo ec2-backup install                     what fits this host, and why; asks
  sudo ec2-backup install --dry-run           show each file, change nothing
  sudo ec2-backup install --daemon --yes      for scripts: nobody is asked
  sudo ec2-backup install --timer --replace   a timer in the place of what is there

A second time there is nothing to do. Exit 0: installed, and doctor and a plan
found no error; 1: installed, and they found one; 2: something is in the way, and
nothing was changed; 73: a file cannot be written.`;

const undoing = `Examples:
  sudo ec2-backup uninstall           show what goes and what stays; asks
  sudo ec2-backup uninstall --yes     for scripts
  sudo ec2-backup uninstall --purge   configuration and state as well

Recovery points always stay, and so do alarms: the one for missed backups will go
off, unless \`ec2-backup alarms remove\` has removed it before.`;

/** The words of \`ec2-backup install\`. */
export const addInstall: AddWords = (place, choose) => {
  const one = (flag: string, text: string, ...others: readonly string[]): Option =>
    new Option(flag, text).conflicts([...others]);
  place
    .addOption(
      one("--daemon", "a service that keeps the jobs' schedules", "timer", "cronDaily", "windowsTask"),
    )
    .addOption(one("--timer", "a daily timer of systemd", "cronDaily", "windowsTask"))
    .addOption(one("--cron-daily", "a script in /etc/cron.daily", "windowsTask"))
    .option("--windows-task", "a task of the Windows Task Scheduler")
    .option("--replace", "put another scheduler that is there out of work")
    .option("--overwrite", "replace also files that somebody has changed")
    .option("--yes", "do it without asking")
    .option("--dry-run", "change nothing, show what would be done")
    .option("--no-check", "neither doctor nor a plan at the end, as for a machine image")
    .addHelpText("after", `\n${examples}`)
    .action((options: Record<string, unknown>) => {
      const kind = kindOf(options);
      choose({
        name: "install",
        ...(kind && { kind }),
        replace: options["replace"] === true,
        overwrite: options["overwrite"] === true,
        yes: options["yes"] === true,
        check: options["check"] !== false,
        ...(options["dryRun"] === true ? { dryRun: true as const } : {}),
      });
    });
};

/** The words of \`ec2-backup uninstall\`. */
export const addUninstall: AddWords = (place, choose) => {
  place
    .option("--purge", "configuration and state as well; recovery points never")
    .option("--yes", "do it without asking")
    .option("--dry-run", "change nothing, show what would be done")
    .addHelpText("after", `\n${undoing}`)
    .action(({ purge, yes, dryRun }: Record<string, unknown>) =>
      choose({
        name: "uninstall",
        purge: purge === true,
        yes: yes === true,
        ...(dryRun === true ? { dryRun: true as const } : {}),
      }),
    );
};

function kindOf(options: Record<string, unknown>): InstallKind | "windows-task" | undefined {
  if (options["daemon"] === true) return "daemon";
  if (options["timer"] === true) return "timer";
  if (options["cronDaily"] === true) return "cron-daily";
  return options["windowsTask"] === true ? "windows-task" : undefined;
}
