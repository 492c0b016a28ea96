import * as agent from "../agent/replace.ts";
import type { RestoreOptions } from "../agent/restore-session.ts";
import { pointJson } from "../cli/list.ts";
import { printReplaced, printReplacePlan, stepsOf } from "../cli/restore-replace.ts";
import type { Terminal } from "../cli/terminal.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import { exitCodeOfKind, exitCodes } from "../core/report.ts";
import { fixedOn } from "../core/restore-query.ts";
import { personAt } from "./ask-at-terminal.ts";
import type { Asked, Context, Result } from "./command.ts";
import { noSuchRestore } from "./no-such-restore.ts";

type Replace = Extract<Asked<"restore">, { readonly action: "replace" }>;
type Undo = Extract<Asked<"restore">, { readonly action: "undo-replace" }>;

/** Shows what would be replaced, and does it if that is wanted. */
export async function replace(command: Replace, options: RestoreOptions, context: Context): Promise<Result> {
  const { query, wish, stop, keepNew, yes } = command;
  const order = { query, wish, stop, keepNew, planned: !yes };
  const person = personAt(command, context);
  const show = ({ choice, plan, found }: agent.ReplaceAnswer, out: Terminal): void => {
    printReplacePlan({ choice, plan, zone: found.zone }, out);
    out.print("");
  };
  const asked = async (): Promise<{ readonly answer: agent.ReplaceAnswer; readonly shown: boolean }> => {
    const pick = person?.pick;
    const answer = await agent.replace({ ...order, ...(pick && { pick }) }, options, context.stop);
    if (person === undefined || answer.result !== undefined || isBlocked(answer))
      return { answer, shown: false };
    if (!(await person.agrees((out) => show(answer, out)))) return { answer, shown: true };
    const again = { ...order, query: fixedOn(query, answer.choice.point.id), planned: false };
    const done = await agent.replace(again, options, context.stop);
    // What has come in the way meanwhile is shown as well.
    return { answer: done, shown: done.result !== undefined };
  };
  const { answer, shown } = await asked().finally(person?.end);
  const { found, choice, plan, result } = answer;
  const { restore, ...rest } = plan;
  const { id, obstacles } = restore;
  const blocked = isBlocked(answer);
  return {
    code: codeOf(result, blocked, context),
    json: {
      chosen: { because: choice.because, zone: found.zone, ...(found.at && { at: found.at }) },
      plan: { id, ...rest, point: pointJson(choice.point), obstacles, steps: stepsOf(plan) },
      ...(result && { result }),
    },
    print(out) {
      if (!shown && result?.outcome !== "was-done") show(answer, out);
      const other = plan.root === "stop" ? plan.instance.id : undefined;
      if (result !== undefined) printReplaced(result, choice.point.id, out, other);
      else
        out.print(
          blocked || person !== undefined ? "Nothing has been done." : "Nothing has been done: add --yes",
        );
    },
  };
}

function isBlocked({ plan }: agent.ReplaceAnswer): boolean {
  return plan.refusals.length > 0 || plan.restore.obstacles.some(({ severity }) => severity === "blocks");
}

/** Shows what would be taken back, and does it if that is wanted. */
export async function undoReplace(command: Undo, options: RestoreOptions, context: Context): Promise<Result> {
  const { restore, instance, keepNew, yes } = command;
  const order = { keepNew, ...(restore && { restore }), ...(instance && { instance }) };
  const act = (now: boolean) => agent.undoReplacements({ ...order, act: now }, options, context.stop);
  const person = personAt(command, context);
  const asked = async () => {
    const { swaps, results } = await act(yes);
    if (restore !== undefined && swaps.length === 0) throw noSuchRestore(restore);
    if (person === undefined || swaps.length === 0) return { swaps, results, done: yes, shown: false };
    if (!(await person.agrees((out) => printSwaps(swaps, out))))
      return { swaps, results, done: false, shown: true };
    return { ...(await act(true)), done: true, shown: true };
  };
  const { swaps, results, done, shown } = await asked().finally(person?.end);
  const failed = results.find(({ failure }) => failure !== undefined);
  return {
    code: codeOf(failed, false, context),
    json: { swaps: swaps.map(({ id, pairs, finished }) => ({ id, pairs, finished })), results },
    print(out) {
      if (swaps.length === 0) out.print("There is no replacement that was not finished.");
      if (!shown) printSwaps(swaps, out);
      for (const result of results) printReplaced(result, "POINT", out, instance);
      if (swaps.length > 0 && !done)
        out.print(person === undefined ? "Nothing has been done: add --yes" : "Nothing has been done.");
    },
  };
}

function printSwaps(swaps: agent.UndoAnswer["swaps"], out: Terminal): void {
  for (const { id, pairs, finished } of swaps) {
    out.print(`${out.paint("bold", id)}${finished ? ", which was finished" : ""}`);
    for (const { old, fresh, device } of pairs)
      out.print(`  ${old} comes back to ${device}, in place of ${fresh}`);
  }
}

function codeOf(result: ReplaceResult | undefined, blocked: boolean, { interruptedCode }: Context): number {
  if (result === undefined) return blocked ? exitCodes.nothingDone : exitCodes.done;
  const { failure, outcome } = result;
  if (failure === undefined) return exitCodes.done;
  if (failure.kind === "interrupted") return interruptedCode();
  return outcome === "unfinished" || outcome === "failed"
    ? exitCodes.partlyDone
    : exitCodeOfKind(failure.kind);
}
