import { vi } from "vitest";
import type { RootNews } from "../../src/core/root-news.ts";
import type { Notice, TerminationWatch } from "../../src/core/termination.ts";
import type { JobTiming } from "../../src/core/timetable.ts";
import { type DaemonDeps, type DaemonWaits, daemon } from "../../src/daemon/daemon.ts";
import { Ending } from "../../src/daemon/ending.ts";
import type { Due } from "../../src/daemon/jobs.ts";
import type { RunningJob } from "../../src/daemon/running.ts";
import { systemClock } from "../../src/host/clock.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** A run as the daemon started it. */
export interface StartedRun {
  readonly job: string;
  readonly slot: string;
  /** When it was started. */
  readonly at: string;
  readonly trigger: Due["trigger"];
  readonly missed: number;
  readonly overlapped: number;
  /** How often the daemon told it to stop. */
  told: number;
  /** Ends it, as a process does. Only a code of 0 or 1 leaves the slot in the state. */
  end(code?: number): void;
}

export interface FakeHostOptions {
  readonly jobs: readonly JobTiming[];
  readonly instance?: string;
  readonly waits?: Partial<DaemonWaits>;
  /** Milliseconds since boot; long ago unless said. */
  readonly uptime?: number;
  /** How long a run takes; one without it ends when the test says. */
  readonly runsFor?: number;
  readonly wakeAt?: DaemonDeps["wakeAt"];
}

/**
 * All that a daemon has around it, without a process or a second of real time. It lives in the time of
 * `vi.useFakeTimers()`: setting the system time is a clock that jumps or a host that slept, since timers
 * do not run meanwhile.
 */
export class FakeHost {
  /** What check-config would say; a run that ends well writes its slot here. */
  jobs: JobTiming[];
  readonly started: StartedRun[] = [];
  readonly notified: string[] = [];
  readonly logged: string[] = [];
  readings = 0;
  /** When it set about thawing leftovers. */
  readonly thaws: string[] = [];
  /** What check-config would say of this host's root volume. */
  root: RootNews | undefined;
  /** What check-config would say of notices to be watched for, and what the metadata service says then. */
  termination: TerminationWatch | undefined;
  notice: () => Notice | undefined = () => undefined;
  /** How often the metadata service was asked. */
  looks = 0;
  /** Milliseconds that each last run was given, and how it is ended. */
  readonly last: { readonly notice: Notice; readonly within: number; end(code?: number): void }[] = [];
  /** How many readings fail from now on. */
  unreadable = 0;
  /** A reading waits for this. */
  slowReading: Promise<unknown> = Promise.resolve();
  /** Thrown by the next start, as spawn does when the system has no room. */
  cannotStart: Error | undefined;
  /** Resolves when the daemon has ended. */
  ended: Promise<void> = Promise.resolve();
  readonly #options: FakeHostOptions;
  readonly #stop = new AbortController();
  readonly #hurry = new AbortController();
  #reload: () => void = () => undefined;

  constructor(options: FakeHostOptions) {
    this.#options = options;
    this.jobs = [...options.jobs];
  }

  /** Starts a daemon on this host and lets it come to its first wait. */
  async run(): Promise<this> {
    const { uptime = 30 * day, waits, wakeAt = wakeByTimer } = this.#options;
    this.ended = daemon(
      {
        clock: systemClock,
        log: (level, message) => void this.logged.push(`${level}: ${message}`),
        readTimetable: (signal) => this.#read(signal),
        start: (due, missed, overlapped) => this.#start(due, missed, overlapped),
        thawLeftovers: () => void this.thaws.push(new Date().toISOString()),
        wakeAt,
        ending: (house) => Promise.resolve(this.#ending(house)),
        notify: (...states) => {
          this.notified.push(...states);
          return Promise.resolve();
        },
        uptime: () => uptime,
        waits: {
          bootDelay: 10 * minute,
          stopWithin: 5 * minute,
          retryEvery: minute,
          tick: 2 * minute,
          longestTurn: 5 * minute,
          ...waits,
        },
        onReload: (reload) => {
          this.#reload = reload;
        },
        hurry: this.#hurry.signal,
      },
      this.#stop.signal,
    );
    await pass(0);
    return this;
  }

  stop = (): void => this.#stop.abort();
  hurry = (): void => this.#hurry.abort();
  reload = (): void => this.#reload();

  async #read(signal: AbortSignal) {
    this.readings += 1;
    await Promise.race([
      this.slowReading,
      new Promise((resolve) => signal.addEventListener("abort", resolve)),
    ]);
    if (signal.aborted) throw new Error("the reading was cut short");
    if (this.unreadable > 0) {
      this.unreadable -= 1;
      throw new Error("the metadata service does not answer");
    }
    return {
      instance: this.#options.instance ?? "i-0123456789abcdef0",
      jobs: this.jobs,
      ...(this.root && { root: this.root }),
      ...(this.termination && { termination: this.termination }),
    };
  }

  #ending(house: Parameters<NonNullable<DaemonDeps["ending"]>>[0]): Ending {
    return new Ending({
      ...house,
      clock: systemClock,
      log: (level, message) => void this.logged.push(`${level}: ${message}`),
      askerOf: () => () => {
        this.looks += 1;
        return new Promise((resolve) => resolve(this.notice()));
      },
      startLast: (notice, within) => {
        const { promise: ended, resolve } = Promise.withResolvers<number>();
        this.last.push({ notice, within, end: (code = 0) => resolve(code) });
        return { ended, stop: () => resolve(143) };
      },
    });
  }

  #start(due: Due, missed: number, overlapped: number): RunningJob {
    if (this.cannotStart !== undefined) {
      const error = this.cannotStart;
      this.cannotStart = undefined;
      throw error;
    }
    const { job, trigger } = due;
    const slot = due.slot.toISOString();
    const { promise: ended, resolve } = Promise.withResolvers<number>();
    const end = (code = 0): void => {
      if (code <= 1) this.jobs = this.jobs.map((one) => (one.job === job ? { ...one, lastSlot: slot } : one));
      resolve(code);
    };
    const run = { job, slot, at: new Date().toISOString(), trigger, missed, overlapped, told: 0, end };
    this.started.push(run);
    if (this.#options.runsFor !== undefined) setTimeout(end, this.#options.runsFor);
    return {
      pid: 4000 + this.started.length,
      ended,
      stop: () => {
        run.told += 1;
      },
    };
  }
}

/** Lets time pass, and everything happen that happens in it. */
export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Lets time pass up to an instant. */
export async function passUntil(iso: string): Promise<void> {
  await pass(Date.parse(iso) - Date.now());
}

/** A wake-up to the millisecond, in pieces of a day, since a timer holds no more than 25 of them. */
function wakeByTimer(instant: Date, wake: () => void): { cancel(): void } {
  const again = (): void => {
    const left = instant.getTime() - Date.now();
    if (left <= 0) wake();
    else timer = setTimeout(again, Math.min(left, day));
  };
  let timer = setTimeout(again, Math.min(Math.max(0, instant.getTime() - Date.now()), day));
  return { cancel: () => clearTimeout(timer) };
}
