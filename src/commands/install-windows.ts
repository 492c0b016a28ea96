import {
  applyWindows,
  removeWindows,
  type WindowsPlan,
  windowsPlan,
  windowsTaskThere,
} from "../agent/install-windows.ts";
import { hasFailed, type InstallCheck, printInstallCheck } from "../cli/install-check.ts";
import type { Terminal } from "../cli/terminal.ts";
import { exitCodes } from "../core/report.ts";
import { personAt } from "./ask-at-terminal.ts";
import type { Asked, Context, Result } from "./command.ts";

/** Registers the task of Windows; `look` is what follows every install. */
export async function installWindows(
  command: Asked<"install">,
  context: Context,
  look: () => Promise<InstallCheck>,
): Promise<Result> {
  const plan = await windowsPlan(context.host);
  const agreement = await agree(command, context, (out) => printPlan(plan, out));
  const { agreed, shown } = agreement;
  if (!agreed) return nothing(plan, command, context, agreement);
  await applyWindows(plan, context.host);
  const check = command.check ? await look() : undefined;
  const isWrong = check !== undefined && hasFailed(check);
  return {
    code: isWrong ? exitCodes.partlyDone : exitCodes.done,
    json: { plan: { kind: "windows-task", ...plan }, done: true, ...(check && { check }) },
    print(out) {
      if (!shown) printPlan(plan, out);
      out.print(`\n${out.paint("green", "Installed.")}`);
      if (check !== undefined) printInstallCheck(check, out);
      if (isWrong) out.print("\nBackups will fail until this is mended; then look again: ec2-backup doctor");
    },
  };
}

/** Removes the task of Windows. Program, configuration and state are windows\uninstall.ps1's. */
export async function uninstallWindows(command: Asked<"uninstall">, context: Context): Promise<Result> {
  const there = await windowsTaskThere(context.host);
  const print = (out: Terminal): void => {
    out.print(there ? "remove the task ec2-backup-run" : "there is no task ec2-backup-run");
    out.print("This stays: the program, configuration and state; windows\\uninstall.ps1 removes them.");
    out.print("If alarms were made, the one for missed backups goes off as no backup comes any more:");
    out.print("    $ ec2-backup alarms remove");
  };
  const { agreed, shown, isUnasked } = await agree(command, context, print);
  const done = agreed && (await removeWindows(context.host));
  return {
    code: isUnasked ? exitCodes.nothingDone : exitCodes.done,
    json: { plan: { kind: "windows-task", there }, done },
    print(out) {
      if (!shown) print(out);
      out.print(
        done
          ? `\n${out.paint("green", "Uninstalled.")}`
          : `\nNothing was changed${isUnasked ? ": add --yes" : ""}.`,
      );
    },
  };
}

interface Agreement {
  readonly agreed: boolean;
  /** Whether somebody at a terminal has seen the plan. */
  readonly shown: boolean;
  /** Who is no terminal and says neither --yes nor --dry-run wanted it done. */
  readonly isUnasked: boolean;
}

async function agree(
  command: Asked<"install"> | Asked<"uninstall">,
  context: Context,
  show: (out: Terminal) => void,
): Promise<Agreement> {
  if (command.dryRun === true) return { agreed: false, shown: false, isUnasked: false };
  const person = personAt(command, context);
  if (person === undefined) return { agreed: command.yes, shown: false, isUnasked: !command.yes };
  return { agreed: await person.agrees(show).finally(person.end), shown: true, isUnasked: false };
}

function nothing(
  plan: WindowsPlan,
  { dryRun }: Asked<"install">,
  { global }: Context,
  { shown, isUnasked }: Agreement,
): Result {
  return {
    code: isUnasked ? exitCodes.nothingDone : exitCodes.done,
    json: { plan: { kind: "windows-task", ...plan }, done: false },
    print(out) {
      if (!shown) printPlan(plan, out);
      if (dryRun === true && !global.json) out.print(`\n${plan.xml}`);
      out.print(`\nNothing was changed${isUnasked ? ": add --yes" : ""}.`);
    },
  };
}

function printPlan({ name, task, there }: WindowsPlan, out: Terminal): void {
  out.print(out.paint("bold", "Backups are to be started by a task of the Task Scheduler, as SYSTEM."));
  out.print("");
  out.print(`task ${name}: ${there ? "registered anew, in the place of the one that is there" : "new"}`);
  out.print(`  runs: ${[task.command, ...task.before, "run"].join(" ")}`);
  out.print(`  daily at ${task.at} and up to ${task.spread} minutes later`);
}
