import type { Lab } from "./lab.ts";

type Verdict = "as assumed" | "differs" | "could not be asked";

/** What AWS, or this instance, said. */
export interface Answer {
  readonly verdict: Verdict;
  /** In words. */
  readonly got: string;
  /** As it came: codes, times, names. */
  readonly evidence?: unknown;
}

/** A point that no documentation settles, and that the agent's code takes one way. */
export interface Question {
  readonly id: string;
  /** What is asked. */
  readonly asks: string;
  /** By which calls. */
  readonly how: string;
  /** What the code takes for true. */
  readonly assumes: string;
  ask(lab: Lab): Promise<Answer>;
}

/** `as assumed` or `differs`. */
export function answered(holds: boolean, got: string, evidence?: unknown): Answer {
  return { verdict: holds ? "as assumed" : "differs", got, evidence };
}

export function unasked(got: string, evidence?: unknown): Answer {
  return { verdict: "could not be asked", got, evidence };
}

/** What a call came to, as far as questions go by it. */
export interface Refusal {
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
}

/** The refusal of a call, or undefined where it was done. What is no answer of AWS's is thrown. */
export async function refusalOf(send: () => Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await send();
    return undefined;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode === undefined) throw error;
    return { code: name, status: $metadata.httpStatusCode, message };
  }
}
