import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import type { Engine } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { InstanceCaptured } from "../core/sweep-report.ts";
import {
  consistencyOfStop,
  readIntents,
  type SeenInstance,
  type StopIntent,
  whyNotNow,
  whyNotStopped,
} from "../core/sweep-stop.ts";
import { until } from "./restore-deps.ts";
import { declare } from "./sweep-intent.ts";
import { type RestartDeps, startAgain } from "./sweep-restart.ts";

/** A capture that is made ready: nothing but the requests themselves is left. */
export interface ReadyCapture {
  /** Those of the instance, as they are now. */
  readonly tags: Tags;
  /** Whether somebody has captured it meanwhile. */
  readonly isRecent: () => Promise<boolean>;
  /** `uncertain` is told at once when it is unknown whether EC2 has done it, before that is found out. */
  readonly capture: (uncertain?: () => Promise<void>) => Promise<RecoveryPoint>;
}

export interface StopDeps extends RestartDeps {
  readonly run: string;
  readonly engine: Pick<Engine, "mark">;
  /** The instance that the sweep itself runs on. */
  readonly self: () => Promise<string | undefined>;
}

/** What came of an instance that was to be stopped for its capture. */
export interface StopCapture extends Pick<InstanceCaptured, "outcome" | "point" | "notStopped" | "offFor"> {
  /** It was stopped, and does not run again. */
  readonly down?: true;
  readonly failures: readonly Failure[];
}

/** Stops an instance, captures it and starts it again. Where it must not be stopped any more it is captured as it is. */
export async function stopAndCapture(
  id: string,
  ready: ReadyCapture,
  deps: StopDeps,
  signal: AbortSignal,
): Promise<StopCapture> {
  const looked = deps.clock.elapsed();
  const seen = await deps.power.look(id, signal);
  // What it is was asked before; what may have changed since is its state, its group and its address.
  const why = whyNotStopped(seen, { self: undefined, stores: false });
  if (readIntents(seen).length > 0) return { outcome: "others", failures: [] };
  if (why !== undefined) return captureAsItIs(ready, why, undefined);
  const intent = await declare(seen, looked, deps, signal);
  if ("why" in intent) return captureAsItIs(ready, intent.why, intent.failure);
  try {
    const now = await deps.power.look(id, signal);
    const not = whyNotNow(now, intent.own, intent.prompt);
    if (not !== undefined || (await ready.isRecent()) || signal.aborted) {
      await deps.power.unmark(id, [intent.own], signal);
      if (signal.aborted) throw interrupted(`stop ${id}`, "the sweep");
      return { outcome: not === undefined ? "recent" : "others", failures: [] };
    }
  } catch (error) {
    await deps.power.unmark(id, [intent.own], new AbortController().signal).catch(() => undefined);
    throw error;
  }
  return stopped(id, ready, intent.own, deps, signal);
}

/** Why it is not to be stopped, for what it is or since EC2 would not; each costs questions only. */
export async function refusal(
  seen: SeenInstance,
  { power, self }: Pick<StopDeps, "power" | "self">,
  signal: AbortSignal,
): Promise<{ readonly why?: string; readonly failure?: Failure }> {
  const plain = whyNotStopped(seen, { self: await self(), stores: false });
  if (plain !== undefined) return { why: plain };
  try {
    const stores = await power.hasStores(seen.type, signal);
    const why = whyNotStopped(seen, { self: undefined, stores });
    if (why !== undefined) return { why };
    await power.rehearse(seen.id, signal);
    return {};
  } catch (error) {
    const failure = failureOf(error, `stop ${seen.id}`);
    if (failure.kind === "interrupted") throw error;
    const why = `it could not be done: ${failure.found}`;
    return failure.kind === "refused" ? { why } : { why, failure };
  }
}

async function captureAsItIs(
  ready: ReadyCapture,
  notStopped: string,
  failure: Failure | undefined,
): Promise<StopCapture> {
  const failures = failure === undefined ? [] : [failure];
  if (await ready.isRecent()) return { outcome: "recent", failures };
  const { id: point } = await ready.capture();
  return { outcome: "created", point, notStopped, failures };
}

/** Codes by which EC2 says that it has not stopped an instance, and will not: stop protection, and what has no stop. */
const unstoppable = ["OperationNotPermitted", "UnsupportedOperation", "IncorrectInstanceState"];

/** From here on the instance may be stopped, so whatever happens it is asked to start, or the tag stays. */
async function stopped(
  id: string,
  ready: ReadyCapture,
  own: StopIntent,
  deps: StopDeps,
  signal: AbortSignal,
): Promise<StopCapture> {
  const { power, clock, log, waits } = deps;
  const doing = `stop ${id}`;
  log("info", `stopping ${id} for its capture`, { run: deps.run });
  const began = clock.elapsed();
  let asked = 0;
  const ask = () => {
    asked += 1;
    return power.stop(id, signal);
  };
  try {
    const answer = await until(doing, waits.stopFor, deps, signal, ask);
    // Who has asked before without an answer may well have stopped it.
    if (answer === "others" && asked === 1) {
      await power.unmark(id, [own], signal);
      return await captureAsItIs(ready, "somebody else has just stopped it", undefined);
    }
  } catch (error) {
    const failure = failureOf(error, doing);
    const not = asked === 1 && (failure.kind === "denied" || unstoppable.includes(failure.code ?? ""));
    // It may be stopping all the same: the tag stays, and the next sweep looks after it.
    if (!not) {
      const told = failure.kind === "interrupted" ? leftStopping(failure) : failure;
      return { outcome: "failed", down: true, failures: [told] };
    }
    await power.unmark(id, [own], signal);
    const told = failure.kind === "denied" ? failure : undefined;
    return captureAsItIs(ready, `EC2 refuses it: ${failure.found}`, told);
  }
  const off = await untilItIsOff(id, deps, signal).catch((error: unknown) => failureOf(error, doing));
  if (off !== undefined && off.kind === "interrupted")
    return { outcome: "failed", down: true, failures: [leftStopping(off)] };
  return offAndCaptured(id, { ready, own, began, slow: off }, deps, signal);
}

async function untilItIsOff(
  id: string,
  { power, waits, clock }: StopDeps,
  signal: AbortSignal,
): Promise<undefined> {
  const doing = `stop ${id}`;
  await until(doing, waits.stopFor, { clock, waits }, signal, async () => {
    const { state } = await power.look(id, signal);
    if (state === "terminated" || state === "shutting-down")
      throw new BackupError({ kind: "refused", doing, found: `it is ${state}`, code: "Terminated" });
    return state === "stopped" || undefined;
  });
  return undefined;
}

interface Off {
  readonly ready: ReadyCapture;
  readonly own: StopIntent;
  /** When it was asked to stop. */
  readonly began: number;
  /** It has not stopped in time. */
  readonly slow: Failure | undefined;
}

async function offAndCaptured(
  id: string,
  { ready, own, began, slow }: Off,
  deps: StopDeps,
  signal: AbortSignal,
): Promise<StopCapture> {
  const { clock } = deps;
  const took = clock.elapsed() - began;
  const failures: Failure[] = slow === undefined ? [] : [slow];
  let starting: Promise<Failure | undefined> | undefined;
  const start = () => {
    starting ??= startAgain(id, [own], deps, signal);
    return starting;
  };
  let point: RecoveryPoint | undefined;
  try {
    // Whether the set is there can be found out while it starts.
    point = await ready.capture(async () => void start());
  } catch (error) {
    failures.push(failureOf(error, `capture ${id}`));
  }
  const down = await Promise.all([start(), slow === undefined ? say(point, took, deps) : undefined]);
  failures.push(...down.flatMap((one) => one ?? []));
  return {
    outcome: point === undefined ? "failed" : "created",
    ...(point === undefined ? {} : { point: point.id }),
    ...(down[0] === undefined ? { offFor: Math.round(clock.elapsed() - began) } : { down: true as const }),
    failures,
  };
}

/** Nothing else is lost without it: the set counts for less than it is. */
async function say(
  point: RecoveryPoint | undefined,
  took: number,
  { engine, log }: StopDeps,
): Promise<undefined> {
  const consistency = consistencyOfStop(took);
  if (point === undefined || consistency === "crash") return;
  try {
    await engine.mark(point, { consistency }, new AbortController().signal);
  } catch (error) {
    log("warn", failureOf(error, `write on ${point.id} how consistent it is`).found, {});
  }
}

/** Not just interrupted: somebody's instance is off. */
function leftStopping({ doing }: Failure): Failure {
  return {
    kind: "refused",
    doing,
    code: "LeftOff",
    found: "the sweep was told to stop while the instance was being stopped",
    remedy: "the next sweep starts it again, or start it by hand once it is stopped",
  };
}
