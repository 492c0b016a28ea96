import type { UpkeepState } from "./upkeep.ts";

/** One of the parts that the data is read in, counted from 1. */
export interface DataPart {
  readonly part: number;
  readonly of: number;
}

/**
 * Which part of a repository's data is to be read next, so that `of` checks read all of it. Where that is not
 * remembered, or other parts were meant, it follows from the time alone: checks that are `gap` milliseconds apart then
 * still read one part after the other, on a host that remembers nothing.
 */
export function nextPart(
  state: Pick<UpkeepState, "parts"> | undefined,
  of: number,
  now: Date,
  gap: number,
): DataPart {
  const { parts } = state ?? {};
  const known = parts?.of === of && Number.isInteger(parts.next) && parts.next >= 1 && parts.next <= of;
  if (known) return { part: parts.next, of };
  const checks = Math.floor(now.getTime() / Math.max(1, gap));
  return { part: (checks % of) + 1, of };
}

/** What is remembered after a part was read. */
export function afterPart({ part, of }: DataPart): NonNullable<UpkeepState["parts"]> {
  return { of, next: (part % of) + 1 };
}
