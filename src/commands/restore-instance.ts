import { type InstanceAnswer, instance, instanceUndone } from "../agent/restore-instance.ts";
import type { RestoreOptions } from "../agent/restore-session.ts";
import { pointJson } from "../cli/list.ts";
import { isHealthy, printMachine, printMachinePlan, printMachinesUndone } from "../cli/restore-instance.ts";
import type { Terminal } from "../cli/terminal.ts";
import type { MachineResult } from "../core/machine-result.ts";
import { exitCodeOfKind, exitCodes } from "../core/report.ts";
import { fixedOn } from "../core/restore-query.ts";
import { personAt } from "./ask-at-terminal.ts";
import type { Asked, Context, Result } from "./command.ts";
import { noSuchRestore } from "./no-such-restore.ts";

type Instance = Extract<Asked<"restore">, { readonly action: "instance" }>;
type Undo = Extract<Asked<"restore">, { readonly action: "undo-instance" }>;

/** Shows the instance that would be made, and makes it if that is wanted. */
export async function restoreInstance(
  command: Instance,
  options: RestoreOptions,
  context: Context,
): Promise<Result> {
  const { query, wish, userData, keepImage, yes } = command;
  const order = { query, wish, userData, keepImage, planned: !yes };
  const person = personAt(command, context);
  const asked = async (): Promise<{ readonly answer: InstanceAnswer; readonly shown: boolean }> => {
    const pick = person?.pick;
    const answer = await instance({ ...order, ...(pick && { pick }) }, options, context.stop);
    if (person === undefined || answer.result !== undefined || isBlocked(answer))
      return { answer, shown: false };
    if (!(await person.agrees((out) => show(answer, out)))) return { answer, shown: true };
    const again = { ...order, query: fixedOn(query, answer.choice.point.id), planned: false };
    const done = await instance(again, options, context.stop);
    // What has come in the way meanwhile is shown as well.
    return { answer: done, shown: done.result !== undefined };
  };
  const { answer, shown } = await asked().finally(person?.end);
  const { found, choice, plan, earlier, unfinished, result } = answer;
  const { point, ...rest } = plan;
  const blocked = isBlocked(answer);
  const exists = earlier.map(({ id, state }) => ({ id, state }));
  return {
    code:
      result === undefined ? (blocked ? exitCodes.nothingDone : exitCodes.done) : codeAfter(result, context),
    json: {
      chosen: { because: choice.because, zone: found.zone, ...(found.at && { at: found.at }) },
      plan: { ...rest, point: pointJson(point), exists, unfinished },
      ...(result && { result }),
    },
    print(out) {
      if (!shown) show(answer, out);
      if (result !== undefined) printMachine(result, point.id, out);
      else if (blocked) out.print("Nothing has been done: see what stands in the way.");
      else out.print(person ? "Nothing has been done." : "Nothing has been done: add --yes");
    },
  };
}

function isBlocked({ plan }: InstanceAnswer): boolean {
  return plan.obstacles.some(({ severity }) => severity === "blocks");
}

function show({ choice, plan, earlier, unfinished, found }: InstanceAnswer, out: Terminal): void {
  printMachinePlan({ choice, plan, earlier, unfinished, zone: found.zone }, out);
  out.print("");
}

/** Shows what restores of instances have left, and removes it if that is wanted. */
export async function undoInstance(
  command: Undo,
  options: RestoreOptions,
  context: Context,
): Promise<Result> {
  const act = (yes: boolean) => instanceUndone(command.restore, yes, options, context.stop);
  let undone = await act(command.yes);
  if (command.restore !== undefined && undone.length === 0) throw noSuchRestore(command.restore);
  const person = personAt(command, context);
  if (person !== undefined && undone.some(({ outcome }) => outcome === "would-be-removed")) {
    const plan = undone;
    const agreed = await person.agrees((out) => printMachinesUndone(plan, out, "")).finally(person.end);
    if (!agreed)
      return {
        code: exitCodes.done,
        json: { undone },
        print: (out) => out.print("Nothing has been done."),
      };
    undone = await act(true);
  }
  const failed = undone.some(({ outcome }) => outcome === "failed");
  return {
    code: failed ? exitCodes.partlyDone : exitCodes.done,
    json: { undone },
    print: (out) => printMachinesUndone(undone, out),
  };
}

function codeAfter(result: MachineResult, { interruptedCode }: Context): number {
  const { failure, machine, left } = result;
  if (failure?.kind === "interrupted") return interruptedCode();
  if (failure === undefined)
    return isHealthy(result) && left === undefined ? exitCodes.done : exitCodes.partlyDone;
  return machine === undefined ? exitCodeOfKind(failure.kind) : exitCodes.partlyDone;
}
