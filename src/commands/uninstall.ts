import { applyUninstall, uninstallPlan } from "../agent/uninstall.ts";
import { printUninstallPlan } from "../cli/install.ts";
import { BackupError } from "../core/errors.ts";
import { cronScriptPath } from "../core/install/cron-script.ts";
import { exitCodes } from "../core/report.ts";
import { personAt } from "./ask-at-terminal.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"uninstall"> = async (command, context) => {
  const { host, stop } = context;
  if (host.platform === "win32")
    return (await import("./install-windows.ts")).uninstallWindows(command, context);
  const options = await agentOptions(command, context);
  const plan = await uninstallPlan(command.purge, host, options);
  if (host.uid !== 0 && command.dryRun !== true) throw notRoot();
  const person = personAt(command, context);
  let shown = false;
  const agreed =
    command.yes ||
    (await person
      ?.agrees((out) => {
        printUninstallPlan(plan, out);
        shown = true;
      })
      .finally(person.end)) === true;
  const done = agreed && command.dryRun !== true;
  if (done) await applyUninstall(plan, host, options, stop);
  // Who is no terminal and says neither --yes nor --dry-run wanted it done.
  const unasked = !done && command.dryRun !== true && person === undefined;
  const still = plan.left.some(({ path }) => path === cronScriptPath);
  return {
    code: unasked ? exitCodes.nothingDone : done && still ? exitCodes.partlyDone : exitCodes.done,
    json: { plan, done },
    print(out) {
      if (!shown) printUninstallPlan(plan, out);
      const more = command.dryRun === true || person !== undefined ? "" : ": add --yes";
      if (!done) out.print(`\nNothing was changed${more}.`);
      else if (still)
        out.print(`\nUninstalled, but ${cronScriptPath} still starts backups: remove it by hand.`);
      else out.print(`\n${out.paint("green", "Uninstalled.")}`);
    },
  };
};

function notRoot(): BackupError {
  return new BackupError({
    kind: "denied",
    doing: "uninstall",
    found: "what starts backups belongs to root",
    remedy: "sudo ec2-backup uninstall",
  });
}
