import { withDeadline } from "../aws/deadline.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import { isDoubtful, type Status } from "../core/status.ts";
import { refreshedStatus } from "./refreshed-status.ts";
import { status } from "./status.ts";
import type { AgentOptions } from "./wish.ts";

/** Milliseconds for AWS to answer who did not insist on its answer. */
const patience = 10_000;

/**
 * What this host remembers, where that is enough to say that all is well, and else what AWS knows. Without its
 * answer `within` so many milliseconds it is what is remembered, which says so.
 */
export async function currentStatus(
  options: AgentOptions,
  now: Date,
  signal: AbortSignal,
  within = patience,
): Promise<Status> {
  const remembered = await status(options, now, signal);
  if (!isDoubtful(remembered)) return remembered;
  const doing = "ask AWS how old the points are";
  try {
    return await withDeadline(within, signal, doing, (both) => refreshedStatus(options, both));
  } catch (error) {
    if (signal.aborted) throw error;
    const why = sentenceOf(failureOf(error, doing));
    return { ...remembered, notes: [...remembered.notes, `this is what is remembered, since: ${why}`] };
  }
}
