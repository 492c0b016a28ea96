import { BackupError, type Failure } from "../core/errors.ts";
import type { Hook } from "../core/hook.ts";
import type { Job } from "../core/job.ts";
import type { Engine, Host } from "../core/ports.ts";
import { terminationTag } from "../core/termination.ts";
import type { RunDeps } from "./run-request.ts";

/**
 * The world of a last run: what holds still is ended by `until`, when it is told why, and the capture goes on without
 * it. What belongs to the point all the same is written on it: where it is to be copied to, which others may do, and
 * the notice.
 */
export function lastDeps(deps: RunDeps, job: Job, notice: string, until: AbortSignal): RunDeps {
  return { ...deps, engine: tagging(deps.engine, job, notice), host: hurried(deps.host, until) };
}

function tagging(engine: Engine, { copy }: Job, notice: string): Engine {
  return {
    ...engine,
    async prepare(order, signal) {
      const addTags = { ...order.job.addTags, [terminationTag]: notice };
      const job = { ...order.job, addTags, ...(copy && { copy }) };
      const prepared = await engine.prepare({ ...order, job }, signal);
      // Nothing is lost by holding for a capture that is then refused: it is the last one in any case.
      return { ...prepared, rehearse: () => Promise.resolve() };
    },
    async list(scope, signal) {
      const { images: _, ...listing } = await engine.list(scope, signal);
      return listing;
    },
  };
}

function hurried(host: Host, until: AbortSignal): Host {
  const inTime = <T>(doing: string, work: () => Promise<T>) => unlessLate(doing, until, work);
  return {
    ...host,
    mounts: (volumes) => inTime("look at the mounts", () => host.mounts(volumes)),
    occupied: (job) => inTime("look at what must not be frozen", () => host.occupied(job)),
    lying: (paths) => host.lying(paths),
    suspendPending: () => inTime("look whether the host falls asleep", () => host.suspendPending()),
    hook: async (config) => cut(await host.hook(config), until),
    freeze: (config, waves, warm) => cut(host.freeze(config, waves, warm), until),
    sync: (paths) => inTime("write what is in memory", () => host.sync(paths)),
  };
}

/** A hook whose holding ends when the time is up. What it has begun by then it undoes itself, and that is waited for. */
function cut(hook: Hook, until: AbortSignal): Hook {
  const told = async <T>(doing: string, signal: AbortSignal, work: (both: AbortSignal) => Promise<T>) => {
    if (until.aborted) throw new BackupError(late(doing));
    try {
      return await work(AbortSignal.any([signal, until]));
    } catch (error) {
      throw until.aborted && !signal.aborted ? new BackupError(late(doing)) : error;
    }
  };
  return {
    ...hook,
    async prepare(facts, signal) {
      const prepared = await told(`prepare hook ${hook.name}`, signal, (both) => hook.prepare(facts, both));
      return {
        hold: (stop) => told(`hold with hook ${hook.name}`, stop, (both) => prepared.hold(both)),
        close: () => prepared.close(),
      };
    },
  };
}

/** For what holds nothing: its end is not waited for. */
async function unlessLate<T>(doing: string, until: AbortSignal, work: () => Promise<T>): Promise<T> {
  let stop: (() => void) | undefined;
  const end = new Promise<never>((_, reject) => {
    stop = () => reject(new BackupError(late(doing)));
    if (until.aborted) stop();
    until.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work(), end]);
  } finally {
    if (stop !== undefined) until.removeEventListener("abort", stop);
  }
}

function late(doing: string): Failure {
  return {
    kind: "refused",
    doing,
    found: "this instance is about to end, and the time for it is over",
    remedy: "the capture was made without it; allow a last run more time by termination.budget",
    code: "NoTimeLeft",
  };
}
