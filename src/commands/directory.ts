import { type BroughtAnswer, broughtBack, type CopyAnswer, cleanedUp, copied } from "../agent/directory.ts";
import type { DirectoryOptions } from "../agent/directory-ground.ts";
import { absolutePath } from "../agent/working-directory.ts";
import type { RestoreDirectoryAction } from "../cli/directory-action.ts";
import { concealer, secretsOf } from "../core/conceal.ts";
import { exitCodes } from "../core/report.ts";
import type { Asked, Context, Execute, Result } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"directory"> = async (command, context) => {
  const options = await optionsFor(command, context);
  if (command.action === "clean-up") {
    const { dryRun } = command;
    const { done, left } = await cleanedUp({ ...command, planned: dryRun }, options, context.stop);
    return {
      code: left.length === 0 ? exitCodes.done : exitCodes.partlyDone,
      json: { planned: dryRun, done, left },
      print(out) {
        for (const line of [...done, ...left]) out.print(line);
        if (done.length + left.length === 0) out.print("There is nothing to be cleaned up.");
        else if (dryRun) out.print("Nothing has been done: leave out --dry-run");
      },
    };
  }
  const order = { ...command.order, directory: absolutePath(command.order.directory) };
  const answer = await copied({ ...command, order, planned: command.dryRun }, options, context.stop);
  complain(answer.problems, context);
  return {
    code: answer.problems.length === 0 ? exitCodes.done : exitCodes.partlyDone,
    json: { ...answer, method: order.method, directory: order.directory },
    print: (out) => {
      if (command.dryRun) for (const line of planned(answer, order)) out.print(line);
      // What is printed is for programs that go on with it.
      else out.print(answer.volume ?? "");
    },
  };
};

/** Does the work of `restore directory`. */
export async function bringBack(
  command: Asked<"restore"> & RestoreDirectoryAction,
  context: Context,
): Promise<Result> {
  const options = await optionsFor(command, context);
  const wish = { ...command, to: absolutePath(command.to), planned: command.dryRun };
  const answer = await broughtBack(wish, options, context.stop);
  complain(answer.problems, context);
  return {
    code: answer.problems.length === 0 ? exitCodes.done : exitCodes.partlyDone,
    json: { ...answer },
    print(out) {
      for (const line of command.dryRun ? plannedBack(answer) : [broughtWords(answer)]) out.print(line);
    },
  };
}

function broughtWords({ volume, to, verified }: BroughtAnswer): string {
  const how =
    verified === true ? "and is compared with it" : "which could not be compared with what was once written";
  return `${to} has what ${volume} holds, ${how}.`;
}

function plannedBack({ volume, to, zone, starts }: BroughtAnswer): string[] {
  return [
    `what ${volume} (${zone}) holds would be brought back to ${to}`,
    ...(starts === undefined ? [] : [`started for it and removed again: ${starts}`]),
    "Nothing has been done: leave out --dry-run",
  ];
}

async function optionsFor(
  command: Asked<"directory"> | Asked<"restore">,
  context: Context,
): Promise<DirectoryOptions> {
  const { host } = context;
  const quiet = { ...command, quiet: true };
  const conceal = concealer(secretsOf(host.env));
  const verbose = host.env["EC2_BACKUP_VERBOSE"] !== undefined;
  return {
    ...(await agentOptions(quiet, context)),
    tell: (what) => {
      if (verbose) host.stderr.write(`ec2-backup: ${conceal(what)}\n`);
    },
  };
}

function complain(problems: readonly string[], { host, global }: Context): void {
  if (global.json) return;
  const conceal = concealer(secretsOf(host.env));
  for (const problem of problems) host.stderr.write(`ec2-backup: ${conceal(problem)}\n`);
}

function planned(
  { count, sizeGiB, zone, starts, volume }: CopyAnswer,
  { directory, method }: { readonly directory: string; readonly method: string },
): string[] {
  return [
    `${directory}: ${count.entries} entries, ${count.bytes} bytes as an archive, by ${method}`,
    volume === undefined
      ? `onto a new volume of ${sizeGiB} GiB in ${zone}`
      : `onto ${volume} (${sizeGiB} GiB, ${zone})`,
    ...(starts === undefined ? [] : [`started for it and removed again: ${starts}`]),
  ];
}
