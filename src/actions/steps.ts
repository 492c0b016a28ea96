import { type Failure, failureOf } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";
import { type Problem, problemOf, type Step } from "../core/report.ts";

/** Collects what a run did, how long it took and what went wrong. */
export interface Recorder {
  readonly steps: Step[];
  readonly problems: Problem[];
  /** Runs a named piece; what it throws is recorded as an error and `undefined` is returned. */
  step<T>(name: string, body: () => Promise<T>): Promise<T | undefined>;
  report(severity: Problem["severity"], failure: Failure): void;
}

export function recorder(clock: Clock, log: Log, facts: { run: string; job: string }): Recorder {
  const steps: Step[] = [];
  const problems: Problem[] = [];
  const report = (severity: Problem["severity"], failure: Failure): void => {
    problems.push(problemOf(severity, failure));
  };
  return {
    steps,
    problems,
    report,
    async step(name, body) {
      const began = clock.elapsed();
      const done = (outcome: Step["outcome"]): void => {
        const ms = Math.round(clock.elapsed() - began);
        steps.push({ name, ms, outcome });
        log("debug", `${name} ${outcome}`, { ...facts, step: name, ms });
      };
      try {
        const result = await body();
        done("done");
        return result;
      } catch (error) {
        done("failed");
        report("error", failureOf(error, name));
        return undefined;
      }
    },
  };
}
