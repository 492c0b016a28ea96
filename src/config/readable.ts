import { parseDuration } from "../core/duration.ts";
import { harmless } from "../core/harmless.ts";
import { parseSchedule } from "../core/schedule.ts";

// Apart from the schema, so that a host without a file, whose tags are read, does not load zod.

/** The duration in milliseconds, if the text is one. */
export function durationOrNothing(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

/** Why the text is no schedule, if it is none. */
export function scheduleTrouble(text: string): string | undefined {
  try {
    parseSchedule(text);
    return undefined;
  } catch (error) {
    return harmless((error as Error).message);
  }
}
