import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { StopsSwept } from "../core/sweep-report.ts";
import {
  readIntents,
  type SeenInstance,
  type StopIntent,
  type StopService,
  stopStep,
} from "../core/sweep-stop.ts";
import { until } from "./restore-deps.ts";

/** How long stopping and starting may take, in milliseconds. */
export interface StopWaits {
  readonly stopFor: number;
  readonly startFor: number;
  /** Between two looks at first; it grows. */
  readonly poll: number;
  /** Between the tag that tells of a stop and the stop: others see the tag by then. */
  readonly settle: number;
}

export interface RestartDeps {
  readonly power: StopService;
  readonly clock: Clock;
  readonly log: Log;
  readonly waits: StopWaits;
}

/**
 * Starts an instance that a sweep has stopped; the tags go once it runs. Asking is not given up by who is told to stop,
 * waiting is. What is wrong is returned, and the tags stay for the next sweep.
 */
export async function startAgain(
  id: string,
  intents: readonly StopIntent[],
  deps: RestartDeps,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { power, log } = deps;
  try {
    await askToStart(id, deps, signal);
    await untilItRuns(id, deps, signal);
    await power.unmark(id, intents, signal);
    log("info", `started ${id} again`, {});
    return undefined;
  } catch (error) {
    return stillDown(id, failureOf(error, `start ${id} again`));
  }
}

async function askToStart(id: string, deps: RestartDeps, signal: AbortSignal): Promise<void> {
  const unstoppable = new AbortController().signal;
  const ask = async () => {
    try {
      await deps.power.start(id, unstoppable);
      return true;
    } catch (error) {
      // It is stopping still, whatever an answer of a moment ago said.
      if (error instanceof BackupError && error.code === "IncorrectInstanceState") return undefined;
      throw error;
    }
  };
  const doing = `start ${id} again`;
  if (signal.aborted) await ask();
  else await until(doing, deps.waits.startFor, deps, signal, ask);
}

async function untilItRuns(id: string, deps: RestartDeps, signal: AbortSignal): Promise<void> {
  const doing = `start ${id} again`;
  let began = false;
  await until(doing, deps.waits.startFor, deps, signal, async () => {
    const { state, reason } = await deps.power.look(id, signal);
    if (state === "running") return true;
    began ||= state === "pending";
    if (state === "terminated" || state === "shutting-down" || (began && state === "stopped"))
      throw new BackupError({ kind: "refused", doing, code: "NotStarted", found: foundOf(state, reason) });
    return undefined;
  });
}

const foundOf = (state: string, reason: string | undefined) =>
  `it is ${state}${reason === undefined ? "" : ` (${reason})`}`;

function stillDown(id: string, { kind, found, code }: Failure): Failure {
  return {
    // It is no less off for the sweep's being told to stop.
    kind: kind === "interrupted" ? "refused" : kind,
    doing: `start ${id} again`,
    found: `the sweep had it stopped for a backup, and ${found}`,
    remedy: `start it by hand (aws ec2 start-instances --instance-ids ${id}); each further sweep tries it again`,
    ...(code === undefined ? {} : { code }),
  };
}

export interface Resumed {
  readonly swept: StopsSwept;
  readonly failures: readonly Failure[];
}

/**
 * Looks after instances that bear the tag of a sweep: what a sweep stopped that is gone by now is started. `before` is
 * done to one that is stopped, right before its start, and fails for itself.
 */
export async function resumeStopped(
  ids: readonly string[],
  deps: RestartDeps,
  dryRun: boolean,
  signal: AbortSignal,
  before: (id: string) => Promise<void> = () => Promise.resolve(),
): Promise<Resumed> {
  const swept = {
    started: [] as string[],
    cleared: [] as string[],
    left: [] as string[],
    down: [] as string[],
  };
  const failures: Failure[] = [];
  for (const id of ids) {
    try {
      const become = await resumeOne(id, deps, dryRun, signal, before);
      if (become === undefined) continue;
      swept[become.as].push(id);
      if (become.failure !== undefined) failures.push(become.failure);
    } catch (error) {
      swept.down.push(id);
      failures.push(failureOf(error, `look after ${id}, which a sweep meant to stop`));
    }
  }
  return { swept, failures };
}

type Become = { readonly as: "started" | "cleared" | "left" | "down"; readonly failure?: Failure };

async function resumeOne(
  id: string,
  deps: RestartDeps,
  dryRun: boolean,
  signal: AbortSignal,
  before: (id: string) => Promise<void>,
): Promise<Become | undefined> {
  let seen = await deps.power.look(id, signal);
  let step = stopStep(seen);
  if (step === "wait" && !dryRun) {
    seen = await settled(id, deps, signal);
    step = stopStep(seen);
  }
  const intents = readIntents(seen);
  if (step === "none") return undefined;
  if (step === "leave") return { as: "left" };
  if (dryRun) return { as: step === "clear" ? "cleared" : "started" };
  if (step === "clear") {
    await deps.power.unmark(id, intents, signal);
    return { as: "cleared" };
  }
  await before(id).catch((error: unknown) =>
    deps.log("warn", failureOf(error, `capture ${id} before its start`).found, {}),
  );
  const failure = await startAgain(id, intents, deps, signal);
  return failure === undefined ? { as: "started" } : { as: "down", failure };
}

/** It as it is once it is neither starting nor stopping. */
function settled(id: string, deps: RestartDeps, signal: AbortSignal): Promise<SeenInstance> {
  const { stopFor, startFor } = deps.waits;
  return until(`wait for ${id}, which a sweep had stopped`, stopFor + startFor, deps, signal, async () => {
    const seen = await deps.power.look(id, signal);
    return stopStep(seen) === "wait" ? undefined : seen;
  });
}
