import { within } from "../host/within.ts";
import { startChild } from "./child.ts";

const limit = 120_000;

/** What a process like this one, given other words, writes to stdout. It is ended when the signal aborts. */
export async function answerOf(
  self: readonly string[],
  words: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  // It only reads, so there is nothing that it would have to finish.
  const { child, ended } = startChild([...self, ...words], { signal, killSignal: "SIGKILL" });
  const answer = await within(limit, ended, undefined);
  if (answer !== undefined) return answer.text;
  // Nobody is waited for without end, not even a process that cannot be ended.
  child.kill("SIGKILL");
  throw new Error("check-config gave no answer within 2 min");
}
