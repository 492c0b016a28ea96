import type { Clock, Log } from "../core/ports.ts";
import type { RootNews } from "../core/root-news.ts";
import type { TerminationWatch } from "../core/termination.ts";
import type { JobTiming } from "../core/timetable.ts";
import type { Ending, EndingDeps } from "./ending.ts";
import { type Due, type JobMemory, nextDue, updateJobs } from "./jobs.ts";
import { messageOf, type RunningJob, started, tellOverlap } from "./running.ts";
import type { WakeUp } from "./timetable.ts";

/** What the daemon is told about its jobs by a process of its own, so that it needs no AWS itself. */
export interface Timetable {
  readonly instance: string;
  readonly jobs: readonly JobTiming[];
  /** What became of an order to replace this host's root volume, until a run has confirmed it. */
  readonly root?: RootNews;
  /** Where a notice of this instance's end is to be watched for. */
  readonly termination?: TerminationWatch;
}

export interface DaemonDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly readTimetable: (signal: AbortSignal) => Promise<Timetable>;
  readonly start: (due: Due, missed: number, overlapped: number) => RunningJob;
  /** Sets about thawing what dead runs have left frozen. Returns at once, since nobody waits for it. */
  readonly thawLeftovers: () => void;
  /** What makes a last capture of a notice; loaded only where there is one to be watched for. */
  readonly ending?: (house: Pick<EndingDeps, "running" | "ended">) => Promise<Ending>;
  readonly wakeAt: (instant: Date, wake: () => void) => WakeUp;
  readonly notify: (...states: string[]) => Promise<void>;
  /** Milliseconds since the host booted. */
  readonly uptime: () => number;
  readonly waits: DaemonWaits;
  readonly onReload: (reload: () => void) => void;
  /** Aborts when draining takes too long for somebody. */
  readonly hurry: AbortSignal;
}

/** In milliseconds. */
export interface DaemonWaits {
  /** After boot, before missed slots are made up for. */
  readonly bootDelay: number;
  /** How long a stopping daemon lets its runs go on. */
  readonly stopWithin: number;
  /** The pause before an unreadable timetable is read again. */
  readonly retryEvery: number;
  /** The pause between two looks at the clock, and between two signs of life. */
  readonly tick: number;
  /** How long the loop may be at one turn, a reading of the timetable included, and still be said to live. */
  readonly longestTurn: number;
}

/**
 * Holds the timetable and nothing else: every run is a process of its own, so that one that crashes or
 * hangs takes nobody with it, and an upgrade takes effect at the next run.
 */
export async function daemon(deps: DaemonDeps, stop: AbortSignal): Promise<void> {
  const { clock, log, waits } = deps;
  const jobs = new Map<string, JobMemory>();
  const running = new Map<string, RunningJob>();
  const memory: Memory = {};
  const bell = new Bell();
  const readyAt = new Date(clock.now().getTime() + Math.max(0, waits.bootDelay - deps.uptime()));
  // On the clock that never jumps: when the timetable is to be read, if it is.
  let readAt: number | undefined = clock.elapsed();
  const reload = (): void => {
    readAt = clock.elapsed();
    bell.ring();
  };
  deps.onReload(reload);
  stop.addEventListener("abort", () => bell.ring(), { once: true });
  // A timer that fires proves that Node lives; whether the loop does is told by its turns, which the bell brings about.
  let turnedAt = clock.elapsed();
  const timer = setInterval(() => {
    if (clock.elapsed() - turnedAt <= waits.longestTurn) void deps.notify("WATCHDOG=1");
    bell.ring();
  }, waits.tick);
  // Before the reading: AWS may be slow, and the service manager does not wait for ever.
  await deps.notify("READY=1");
  deps.thawLeftovers();
  while (!stop.aborted) {
    turnedAt = clock.elapsed();
    if (readAt !== undefined && readAt <= clock.elapsed()) {
      // Before the reading: who asks for another meanwhile is heard.
      readAt = undefined;
      const read = await refresh(deps, jobs, memory, stop, () =>
        deps.ending?.({ running, ended: () => bell.ring() }),
      );
      if (!read) readAt ??= clock.elapsed() + waits.retryEvery;
    }
    if (stop.aborted) break;
    const now = clock.now();
    for (const job of jobs.values()) {
      const due = nextDue(job, now, readyAt);
      if (due.at > now) continue;
      begin(due, job, memory.ending?.near, deps, running, reload);
    }
    const next = [...jobs.values()].map((job) => {
      const due = nextDue(job, clock.now(), readyAt);
      announce(due, job, log);
      return due.at.getTime();
    });
    if (readAt !== undefined) next.push(clock.now().getTime() + Math.max(0, readAt - clock.elapsed()));
    await bell.rung(next.length === 0 ? undefined : new Date(Math.min(...next)), deps.wakeAt);
  }
  clearInterval(timer);
  await memory.ending?.leave();
  log("info", `stopping; ${running.size} run(s) at work`);
  await deps.notify("STOPPING=1");
  await drain(deps, running, memory.ending?.left ?? 0);
}

/** What the daemon remembers beside its jobs. */
interface Memory {
  /** What was last said of this host's root volume. */
  root?: string | undefined;
  ending?: Ending | undefined;
}

const levels = { replaced: "info", waiting: "warn", failed: "error" } as const;

/** @returns whether nothing has to be looked at again soon */
async function refresh(
  { readTimetable, log }: DaemonDeps,
  jobs: Map<string, JobMemory>,
  told: Memory,
  stop: AbortSignal,
  ending: () => Promise<Ending> | undefined,
): Promise<boolean> {
  try {
    const { instance, jobs: timetable, root, termination } = await readTimetable(stop);
    updateJobs(jobs, timetable, instance);
    if (termination !== undefined) told.ending ??= await ending();
    told.ending?.update(termination);
    if (timetable.length === 0) log("warn", "no job has a schedule: nothing will run until a reload");
    // Whoever looks after a host whose root was exchanged waits for this.
    if (root !== undefined && root.found !== told.root) log(levels[root.outcome], root.found);
    told.root = root?.found;
    return root?.outcome !== "waiting";
  } catch (error) {
    if (!stop.aborted) log("error", `cannot read the timetable: ${messageOf(error)}`);
    return false;
  }
}

/** Who reads the log sees when the next run is, once for each. */
function announce({ job, at, trigger }: Due, memory: JobMemory, log: Log): void {
  if (memory.announced === at.getTime()) return;
  memory.announced = at.getTime();
  const { schedule, timezone } = memory.source;
  log("info", `next run at ${at.toISOString()} (${trigger}; ${schedule}, ${timezone})`, { job });
}

function begin(
  due: Due,
  memory: JobMemory,
  near: string | undefined,
  { clock, log, start, thawLeftovers }: DaemonDeps,
  running: Map<string, RunningJob>,
  done: () => void,
): void {
  memory.timing = { ...memory.timing, lastSlot: due.slot };
  delete memory.next;
  if (near !== undefined) {
    memory.missed += 1;
    log("warn", `a slot came when this instance was about to end (${near}); it is left out`, {
      job: due.job,
    });
    return;
  }
  if (memory.running) {
    memory.overlapped += 1;
    const { began = clock.elapsed() } = memory;
    tellOverlap(due.job, running.get(due.job)?.pid, clock.elapsed() - began, clock.now(), log);
    return;
  }
  const { overlapped } = memory;
  const missed = memory.missed + (due.missed ?? 0);
  Object.assign(memory, { running: true, began: clock.elapsed(), missed: 0, overlapped: 0 });
  log("info", `starting (${due.trigger}, slot ${due.slot.toISOString()})`, { job: due.job });
  const run = started(() => start(due, missed, overlapped), log);
  running.set(due.job, run);
  void run.ended.then((code) => {
    // Most leave nothing, which is seen at a glance; one that died or gave up on a stuck device may have.
    thawLeftovers();
    log(code === 0 ? "info" : "error", `the run ended with exit code ${code}`, { job: due.job });
    memory.running = false;
    running.delete(due.job);
    done();
  });
}

/**
 * Lets the runs end; when the time is up, or somebody is in a hurry, they are told to stop. Once: a run
 * that is told twice ends without a report. Who is in a hurry after that tells them a second time. `atLeast`:
 * milliseconds that a last capture still has.
 */
async function drain(
  { clock, waits, hurry }: DaemonDeps,
  running: Map<string, RunningJob>,
  atLeast: number,
): Promise<void> {
  const ended = Promise.all([...running.values()].map((run) => run.ended));
  const stopAll = (): void => {
    for (const run of running.values()) run.stop();
  };
  const late = new AbortController();
  const limit = clock.sleep(Math.max(waits.stopWithin, atLeast), AbortSignal.any([late.signal, hurry]));
  await Promise.race([ended, limit]);
  late.abort();
  stopAll();
  hurry.addEventListener("abort", stopAll, { once: true });
  await ended;
}

/** Wakes the loop, at an instant or because something happened. A ring while nobody waits is not lost. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async rung(at: Date | undefined, wakeAt: DaemonDeps["wakeAt"]): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const wakeUp = at === undefined ? undefined : wakeAt(at, resolve);
        this.#wake = () => {
          wakeUp?.cancel();
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#rung = false;
  }
}
