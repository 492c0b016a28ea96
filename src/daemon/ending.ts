import type { Clock, Log } from "../core/ports.ts";
import { callsForCapture, formatNotice, type Notice, type TerminationWatch } from "../core/termination.ts";
import { messageOf, type RunningJob, started } from "./running.ts";

export interface EndingDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Asks for a notice; told how to by what is to be watched. @throws Error */
  readonly askerOf: (watch: TerminationWatch) => (signal: AbortSignal) => Promise<Notice | undefined>;
  /** Starts the last run, which has so many milliseconds. */
  readonly startLast: (notice: Notice, within: number) => RunningJob;
  /** The runs at work, to which the last one belongs as well. */
  readonly running: Map<string, RunningJob>;
  /** What is to be done when a run has ended. */
  readonly ended: () => void;
}

/** A notice and what became of it. */
interface Told {
  readonly notice: Notice;
  /** On the clock that never jumps. */
  readonly until: number;
  /** Whether nothing more is to be done about it. */
  done: boolean;
  running?: RunningJob;
}

/** By which name the last run stands among the others; no job can have it. */
const lastRun = "(last capture)";

/** A run with less time than this would only begin, in milliseconds. */
const tooLate = 5_000;

/** The last look when the daemon stops has no more than this: it stands in the way of a power-off. */
const lastLook = 2_000;

/**
 * Looks every few seconds whether this instance is to end, and then has one last capture made. Nothing that the
 * metadata service does ends it, and a service that fails is told of once, until it is back.
 */
export class Ending {
  readonly #deps: EndingDeps;
  #watch: TerminationWatch | undefined;
  #asking: AbortController | undefined;
  #ask: ((signal: AbortSignal) => Promise<Notice | undefined>) | undefined;
  #told: Told | undefined;
  #troubled = false;

  constructor(deps: EndingDeps) {
    this.#deps = deps;
  }

  /** The notice that is there, while which no other run begins. */
  get near(): string | undefined {
    return this.#told === undefined ? undefined : formatNotice(this.#told.notice);
  }

  /** How long the last run may still go on, in milliseconds. */
  get left(): number {
    if (this.#told?.running === undefined) return 0;
    return Math.max(0, this.#told.until - this.#deps.clock.elapsed());
  }

  /** Watches as it is wanted from now on; absent = no more. */
  update(watch: TerminationWatch | undefined): void {
    if (JSON.stringify(watch) === JSON.stringify(this.#watch)) return;
    this.#asking?.abort();
    this.#watch = watch;
    this.#ask = undefined;
    this.#asking = undefined;
    if (watch === undefined) return;
    const { log, askerOf } = this.#deps;
    this.#ask = askerOf(watch);
    const asking = new AbortController();
    this.#asking = asking;
    log("info", `watching for a notice of this instance's end (${watch.sources.join(", ")})`);
    void this.#loop(watch, asking.signal);
  }

  /**
   * Looks once more when the daemon is told to stop: an Auto Scaling group without a lifecycle hook shuts an instance
   * down as it marks it, and then a power-off is what is heard of it first.
   */
  async leave(): Promise<void> {
    this.#asking?.abort();
    if (this.#watch === undefined) return;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), lastLook);
    await this.#look(this.#watch, limit.signal);
    clearTimeout(timer);
  }

  async #loop(watch: TerminationWatch, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(watch, signal);
      await this.#deps.clock.sleep(watch.every, signal);
    }
  }

  async #look(watch: TerminationWatch, signal: AbortSignal): Promise<void> {
    const { log } = this.#deps;
    try {
      const notice = await this.#ask?.(signal);
      if (this.#troubled) log("info", "the metadata service tells of notices again");
      this.#troubled = false;
      this.#heard(notice, watch);
    } catch (error) {
      if (signal.aborted || this.#troubled) return;
      this.#troubled = true;
      const found = messageOf(error);
      log("warn", `cannot look for a notice of this instance's end: ${found}; it is asked again and again`);
    }
  }

  #heard(notice: Notice | undefined, watch: TerminationWatch): void {
    const { clock, log } = this.#deps;
    if (notice === undefined) {
      if (this.#told !== undefined) log("info", "the notice of this instance's end was taken back");
      this.#told = undefined;
      return;
    }
    const words = formatNotice(notice);
    // A second notice while the first is being dealt with changes nothing: it is the same end.
    if (this.near !== words && this.#told?.running === undefined) {
      const done = !callsForCapture(notice);
      this.#told = { notice, until: clock.elapsed() + watch.budget, done };
      log("warn", `this instance is about to end: ${words}${done ? "; there is no time for a capture" : ""}`);
      // What they have captured they have; what not, the last run captures.
      if (!done) for (const run of this.#deps.running.values()) run.stop();
    }
    this.#begin();
  }

  #begin(): void {
    const { clock, log, running, ended, startLast } = this.#deps;
    const told = this.#told;
    if (told === undefined || told.done || told.running !== undefined) return;
    const left = told.until - clock.elapsed();
    if (left < tooLate) {
      told.done = true;
      log("error", "the last capture did not come about in its time");
      return;
    }
    const run = started(() => startLast(told.notice, left), log);
    told.running = run;
    running.set(lastRun, run);
    void run.ended.then((code) => {
      delete told.running;
      running.delete(lastRun);
      // What was not captured is tried again at the next look, while there is time; what was is not captured twice.
      told.done = code === 0;
      log(code === 0 ? "info" : "error", `the last capture ended with exit code ${code}`);
      ended();
    });
  }
}
