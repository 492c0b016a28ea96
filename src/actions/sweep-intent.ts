import { type Failure, failureOf } from "../core/errors.ts";
import { intentOf, noStopBefore, type SeenInstance, type StopIntent } from "../core/sweep-stop.ts";
import type { RestartDeps } from "./sweep-restart.ts";

/** Time for the capture between stop and start, and some to spare. Milliseconds. */
const between = 10 * 60_000;

type Declared =
  | { readonly own: StopIntent; readonly prompt: boolean }
  | { readonly why: string; readonly failure?: Failure };

/**
 * Says on an instance that it is about to be stopped, and waits until others see it. What EC2 refuses is not written,
 * so the instance stays as it is. `looked`: when it was looked at, by the clock of this host.
 */
export async function declare(
  { id, asOf }: SeenInstance,
  looked: number,
  { power, clock, waits, run }: RestartDeps & { readonly run: string },
  signal: AbortSignal,
): Promise<Declared> {
  const end = asOf.getTime() + waits.settle + waits.stopFor + 2 * waits.startFor + between;
  const own = intentOf(run, id, noStopBefore(asOf, waits.settle), new Date(end));
  try {
    await power.mark(id, own, signal);
  } catch (error) {
    const failure = failureOf(error, `say on ${id} that it is about to be stopped`);
    if (failure.kind !== "refused" && failure.kind !== "denied") throw error;
    const why = `the tag that tells of it could not be written: ${failure.found}`;
    return failure.kind === "refused" ? { why } : { why, failure };
  }
  const prompt = clock.elapsed() - looked <= waits.settle / 2;
  await clock.sleep(waits.settle, signal);
  return { own, prompt };
}
