import type { HookConfig } from "./hook-config.ts";
import type { Job, Waits } from "./job.ts";

/** Whether there is something of a job that a snapshot holds. */
export function takesVolumes({ stored }: Pick<Job, "stored">): boolean {
  return stored === undefined || stored.volumes;
}

/** How long parts of a last run may take, in milliseconds. */
export interface Share {
  /** Until the capture is sent, whatever is held by then. */
  readonly hold: number;
  /** All of the job's run. */
  readonly whole: number;
}

/** Of what is left, what reports and metrics have at the end. */
export function toPublish(budget: number): number {
  return Math.min(10_000, budget / 6);
}

/** What one of so many jobs has of what is left. More than half goes to holding still: the capture itself is quick. */
export function shareOf(left: number, jobs: number): Share {
  const whole = Math.floor(Math.max(3_000, left / Math.max(1, jobs)));
  return { hold: Math.floor(whole * 0.6), whole };
}

/**
 * A job as a last run does it: its volumes alone, with waits that fit the share. What it holds is held as configured,
 * only not for as long; but for `whenLess: fail` no hook keeps it from being captured, since there is no next time.
 * VSS needs longer to begin than there is.
 */
export function lastJob(job: Job, share: Share): Job {
  const { copy: _, image: __, stored: ___, vss: ____, ...rest } = job;
  const strict = job.whenLess === "fail";
  const hooks = job.vss === undefined ? job.hooks.map((hook) => shorter(hook, share, strict)) : [];
  return { ...rest, hooks, waits: waitsIn(job.waits, share) };
}

function shorter(hook: HookConfig, { hold, whole }: Share, strict: boolean): HookConfig {
  const willing = strict ? hook : { ...hook, onFailure: "continue" as const };
  switch (willing.kind) {
    case "command":
      // What runs after the capture has as much again, and no signal ends that.
      return { ...willing, timeout: Math.min(willing.timeout, whole - hold) };
    case "redis":
      return { ...willing, timeout: Math.min(willing.timeout, hold) };
    case "postgres":
    case "mongodb":
      return {
        ...willing,
        timeout: Math.min(willing.timeout, hold),
        deadline: Math.min(willing.deadline, whole),
      };
    case "mysql":
      return {
        ...willing,
        lockWait: Math.min(willing.lockWait, hold),
        deadline: Math.min(willing.deadline, whole),
      };
    case "freeze":
      return willing;
  }
}

/** What EC2 turns away for its limits is asked for again soon: the limits of a volume are over after 15 s. */
function waitsIn(waits: Waits, { hold, whole }: Share): Waits {
  const rest = whole - hold;
  return {
    ...waits,
    request: Math.min(waits.request, rest / 2),
    capture: Math.min(waits.capture, rest),
    retryFor: Math.min(waits.retryFor, rest),
    retryEvery: Math.min(waits.retryEvery, 2_000),
    reconcileFor: Math.min(waits.reconcileFor, rest / 2),
  };
}
