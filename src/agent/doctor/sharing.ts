import { NotTestable } from "../../core/finding.ts";
import { within } from "../../host/within.ts";

/** The answer of the first time, also if it was a failure. */
export function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** How much of a check's time is spent on waiting for what another check answers for. */
const share = 0.9;
const late = Symbol("late");

/**
 * What failed, or did not come in time, is reported by the check whose matter it is; to others it is only not
 * there.
 */
export function orNotTestable(deadline: number) {
  const end = performance.now() + deadline * share;
  return async <T>(ask: () => Promise<T>, what: string, because: string): Promise<T> => {
    try {
      const answer = await within(Math.max(0, end - performance.now()), ask(), late);
      if (answer !== late) return answer;
    } catch (error) {
      if (error instanceof NotTestable) throw new NotTestable(what, error.message);
    }
    throw new NotTestable(what, because);
  };
}
