import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "vitest";
import { agent } from "./bench.ts";
import type { SweepStage } from "./sweep-stage.ts";

/** A sweep that a test may kill. */
export function startSweep(
  { simulator, config, state }: SweepStage,
  words: readonly string[] = [],
): ChildProcess {
  const { AWS_EC2_METADATA_SERVICE_ENDPOINT: _, ...environment } = simulator.environment;
  return spawn(process.execPath, [agent, "sweep", ...words, "--config", config], {
    env: {
      PATH: process.env["PATH"],
      ...environment,
      AWS_ACCESS_KEY_ID: "AKIASIMULATORTEST001",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_EC2_METADATA_DISABLED: "true",
      STATE_DIRECTORY: state,
    },
    stdio: "ignore",
  });
}

/** A call, and whether what it asks for is done when the process dies over it. */
export interface Death {
  readonly action: string;
  /** Which of the calls of this action it is, from 1. */
  readonly index: number;
  readonly kind: "hang" | "hang-after";
}

/** Starts a sweep and kills it, so hard that it can do nothing more, before or after a call has its effect. */
export async function killedAt(
  stage: SweepStage,
  death: Death,
  words: readonly string[] = [],
): Promise<void> {
  const { control } = stage.simulator;
  control.faults([{ ...death }]);
  const child = startSweep(stage, words);
  const ended = once(child, "exit");
  await untilItHangs(stage, death.kind);
  child.kill("SIGKILL");
  await ended;
  control.clearFaults();
}

/** Until a call waits for its answer in vain. */
async function untilItHangs({ simulator: { control } }: SweepStage, kind: string): Promise<void> {
  for (let seen = 0; ; ) {
    const fresh = await control.waitForCalls(seen, 20_000);
    if (control.calls().some((call) => call.outcome?.code === kind)) return;
    if (fresh.length === 0) expect.fail("the call never came");
    seen = Math.max(seen, ...fresh.filter((call) => call.outcome !== null).map((call) => call.number));
  }
}
