import * as restore from "../agent/restore.ts";
import type { RestoreOptions } from "../agent/restore-session.ts";
import { pointJson } from "../cli/list.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import { printRestored, printUndone, progressLabel } from "../cli/restore-result.ts";
import { printRestorePlan } from "../cli/restore-volumes.ts";
import type { Terminal } from "../cli/terminal.ts";
import { exitCodeOfKind, exitCodes } from "../core/report.ts";
import type { RestoreResult, Undone } from "../core/restore-result.ts";
import { personAt } from "./ask-at-terminal.ts";
import type { Asked, Context, Execute, Result } from "./command.ts";
import { noSuchRestore } from "./no-such-restore.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"restore"> = async (command, context) => {
  const { global, host } = context;
  if (command.action === "directory") return (await import("./directory.ts")).bringBack(command, context);
  // The bar is for people who wait; who reads JSON reads the end.
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  const agent = await agentOptions(command, context);
  const options: RestoreOptions = {
    ...agent,
    log: besideBar(agent.log, bar),
    hostZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    tell: (progress) => bar.update(progress.percent, progressLabel(progress)),
  };
  const { loaded } = agent;
  // Whoever restores at night goes on, but not without knowing that times may be read in another zone.
  if (loaded.ok === false)
    options.log(
      "warn",
      `the configuration is faulty and not used: ${loaded.faults[0]?.place ?? ""}; see ec2-backup check-config`,
    );
  try {
    switch (command.action) {
      case "list":
        return await (await import("./restore-list.ts")).listAll(command, options, context);
      case "volumes":
        return await volumes(command, options, context);
      case "file":
      case "ls":
      case "cat":
        return await (await import("./restore-stored.ts")).storedOrVolumes(command, options, context);
      case "find":
      case "diff":
        return await (await import("./restore-search.ts")).search(command, options, context);
      case "undo":
        return await undo(command, options, context);
      case "replace":
        return await (await import("./restore-replace.ts")).replace(command, options, context);
      case "undo-replace":
        return await (await import("./restore-replace.ts")).undoReplace(command, options, context);
      case "instance":
        return await (await import("./restore-instance.ts")).restoreInstance(command, options, context);
      case "undo-instance":
        return await (await import("./restore-instance.ts")).undoInstance(command, options, context);
    }
  } finally {
    bar.end();
  }
};

async function volumes(
  command: Extract<Asked<"restore">, { readonly action: "volumes" }>,
  options: RestoreOptions,
  context: Context,
): Promise<Result> {
  const { query, wish, mount, initialize, yes } = command;
  const person = personAt(command, context);
  let shown = false;
  const show = ({ choice, plan, earlier, unfinished, found }: restore.VolumesAnswer, out: Terminal): void => {
    const { zone, at } = found;
    printRestorePlan({ choice, plan, earlier, unfinished, zone, ...(at && { at }) }, out);
    out.print("");
    shown = true;
  };
  const order = {
    ...{ query, wish, planned: !yes },
    ...(mount && { mount }),
    ...(initialize && { initialize }),
    ...(person?.pick && { pick: person.pick }),
    ...(person && {
      agreed: (answer: restore.VolumesAnswer) => person.agrees((out) => show(answer, out)),
    }),
  };
  const answer = await restore.volumes(order, options, context.stop).finally(person?.end);
  const { found, choice, plan, earlier, unfinished, result } = answer;
  const { point, ...rest } = plan;
  const blocked = plan.obstacles.some(({ severity }) => severity === "blocks");
  const exists = earlier.map(({ id, state, snapshot }) => ({ id, state, snapshot }));
  const json = {
    chosen: { because: choice.because, zone: found.zone, ...(found.at && { at: found.at }) },
    plan: { ...rest, point: pointJson(point), exists, unfinished },
    ...(result && { result }),
  };
  return {
    code:
      result === undefined ? (blocked ? exitCodes.nothingDone : exitCodes.done) : codeAfter(result, context),
    json,
    print(out) {
      if (!shown) show(answer, out);
      if (result !== undefined) printRestored(result, point.id, out);
      else if (blocked)
        out.print("Nothing has been done: the volumes that cannot be restored may be left out.");
      else out.print(person ? "Nothing has been done." : "Nothing has been done: add --yes");
    },
  };
}

async function undo(
  command: Extract<Asked<"restore">, { readonly action: "undo" }>,
  options: RestoreOptions,
  context: Context,
): Promise<Result> {
  const act = (yes: boolean) => restore.undone(command.restore, yes, options, context.stop);
  let undone = await act(command.yes);
  if (command.restore !== undefined && undone.length === 0) throw noSuchRestore(command.restore);
  const person = personAt(command, context);
  const would = undone.some(({ outcome }) => outcome === "would-be-removed");
  if (person !== undefined && would) {
    const plan = undone;
    const agreed = await person.agrees((out) => printUndone(plan, out, "")).finally(person.end);
    if (!agreed)
      return { code: codeOf(plan), json: { undone }, print: (out) => out.print("Nothing has been done.") };
    undone = await act(true);
  }
  return { code: codeOf(undone), json: { undone }, print: (out) => printUndone(undone, out) };
}

function codeAfter({ failure, volumes, notMounted }: RestoreResult, { interruptedCode }: Context): number {
  if (failure?.kind === "interrupted") return interruptedCode();
  if (failure === undefined) return notMounted.length > 0 ? exitCodes.partlyDone : exitCodes.done;
  return volumes.some(({ id }) => id !== undefined) ? exitCodes.partlyDone : exitCodeOfKind(failure.kind);
}

function codeOf(undone: readonly Undone[]): number {
  return undone.some(({ outcome }) => outcome === "failed") ? exitCodes.partlyDone : exitCodes.done;
}
