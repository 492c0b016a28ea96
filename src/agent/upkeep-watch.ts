import { repositoriesOf } from "../config/repositories.ts";
import type { Job } from "../core/job.ts";
import type { Log } from "../core/ports.ts";
import type { Problem } from "../core/report.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import { withSchedules } from "../core/upkeep.ts";
import { judgeUpkeep, overdueProblem } from "../core/upkeep-status.ts";
import { systemClock } from "../host/clock.ts";
import { upkeepStates } from "../host/upkeep-state.ts";
import type { Opened } from "./open.ts";
import { takeUpkeepLock } from "./take-upkeep-lock.ts";
import type { AgentOptions } from "./wish.ts";

/**
 * What is overdue of the repositories that a job stores in. Runs tell it, since upkeep that nobody does tells nothing;
 * they also keep in mind when they first saw its schedule, from which on it counts.
 */
export async function overdueUpkeep(
  { stored }: Pick<Job, "stored">,
  { session, force }: Opened,
  options: AgentOptions,
): Promise<readonly Problem[]> {
  const { dumps = [], files } = stored ?? {};
  const names = new Set([...dumps, ...(files === undefined ? [] : [files])].map((one) => one.repository));
  const host = session.discovery.instance.id;
  const problems: Problem[] = [];
  for (const config of repositoriesOf(force.settings).filter(({ name }) => names.has(name))) {
    const now = systemClock.now();
    await keepInMind(config, host, now, options).catch((error: unknown) => {
      const found = error instanceof Error ? error.message : String(error);
      options.log("warn", `cannot keep in mind since when ${config.name} is looked after: ${found}`);
    });
    const state = await upkeepStates(options.stateDirectory, host).read(config.name);
    const late = judgeUpkeep(config, state, now).filter(({ overdue }) => overdue);
    problems.push(...late.map(overdueProblem));
  }
  return problems;
}

/** Whoever looks after the repository now writes all of it when he is done. */
async function keepInMind(
  config: RepositoryConfig,
  host: string,
  now: Date,
  { stateDirectory, owner }: { readonly stateDirectory: string; readonly owner: string; readonly log: Log },
): Promise<void> {
  const states = upkeepStates(stateDirectory, host);
  if (withSchedules(await states.read(config.name), config, now) === undefined) return;
  const lock = await takeUpkeepLock(config.name, { stateDirectory, owner });
  if ("heldBy" in lock) return;
  try {
    const state = withSchedules(await states.read(config.name), config, now);
    if (state !== undefined) await states.write(state);
  } finally {
    await lock.release();
  }
}
