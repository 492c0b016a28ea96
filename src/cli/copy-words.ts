import type { CopyOutcome } from "../core/copy-report.ts";
import { counted } from "../core/counted.ts";
import { formatSpan } from "../core/duration.ts";

/** In one line: how many are whole, under way and waiting, and how far behind that is. */
export function copyFacts({ complete, running, begun, waiting, lagSeconds = 0 }: CopyOutcome): string {
  const under = running === 0 && begun.length === 0 ? [] : [`${counted(running, "point")} under way`];
  const wait = waiting.length === 0 ? [] : [`${counted(waiting.length, "point")} waiting`];
  const lag = lagSeconds === 0 ? "nothing is missing" : `${formatSpan(lagSeconds)} behind`;
  return [`${counted(complete, "point")} whole`, ...under, ...wait, lag].join(", ");
}
