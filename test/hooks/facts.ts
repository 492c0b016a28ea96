import type { HookFacts } from "../../src/core/hook.ts";

/** What the hooks of these tests know of the run. */
export const facts: HookFacts = {
  job: "default",
  run: "0199-run",
  trigger: "manual",
  instanceId: "i-0123456789abcdef0",
  volumes: ["vol-0123456789abcdef0"],
};

/** A signal that never aborts. */
export const never = new AbortController().signal;

export function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether the work is still going on after so many milliseconds. */
export async function isPending(work: Promise<unknown>, ms: number): Promise<boolean> {
  return Promise.race([work.then(() => false), after(ms).then(() => true)]);
}

/** The error that the work fails with. */
export async function failureIn(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const found = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (found instanceof Error) return found as Error & Record<string, unknown>;
  throw new Error("it did not fail");
}
