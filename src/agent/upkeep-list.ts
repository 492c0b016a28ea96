import { disbelief, inventory, opened } from "../actions/upkeep.ts";
import { repositoriesOf } from "../config/repositories.ts";
import { concealer, secretsOf } from "../core/conceal.ts";
import { concealReport } from "../core/conceal-report.ts";
import { failureOf } from "../core/errors.ts";
import { isMixed } from "../core/recovery-point.ts";
import {
  foreignSnapshots,
  type ListedRepository,
  listedSeries,
  listedUpkeep,
} from "../core/repository-list.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import { systemClock } from "../host/clock.ts";
import { upkeepStates } from "../host/upkeep-state.ts";
import { writtenSettings } from "./configuration.ts";
import { inForce } from "./in-force.ts";
import { openStore } from "./store-world.ts";
import { faultyConfiguration } from "./unusable-wish.ts";
import { chooseRepositories } from "./upkeep.ts";
import { upkeepHost } from "./upkeep-host.ts";
import type { AgentOptions } from "./wish.ts";

/** Shows the repositories of the names, or all. One that cannot be reached is shown with the reason. */
export async function listRepositories(
  names: readonly string[],
  options: AgentOptions,
  signal: AbortSignal,
): Promise<readonly ListedRepository[]> {
  const { loaded, stateDirectory, self, log } = options;
  if (loaded.ok === false) throw faultyConfiguration(inForce({ loaded, tags: {}, flags: {} }).problems);
  const all = repositoriesOf(writtenSettings(loaded));
  const chosen = chooseRepositories("list", all, names);
  const host = await upkeepHost(options, signal);
  const states = upkeepStates(stateDirectory, host.id);
  const region = host.identity === undefined ? {} : { region: host.identity.region };
  const conceal = concealer(secretsOf(self.env));
  const listed: ListedRepository[] = [];
  for (const config of chosen) {
    const state = await states.read(config.name);
    const known = knownOf(config, conceal);
    const upkeep = listedUpkeep(state, {
      check: config.check?.schedule,
      prune: config.prune?.schedule,
      mirror: config.mirror?.schedule,
    });
    try {
      const store = await openStore(
        config.name,
        { repositories: all, self, stateDirectory, ...region },
        signal,
      );
      const facts = await opened(store, state, signal);
      const copies = all.some(({ mirror }) => mirror?.to === config.name);
      const { points, snapshots } = await inventory(store, { clock: systemClock, copies }, signal);
      for (const { doing, found } of disbelief(config.name, points.filter(isMixed)))
        log("warn", `${doing}: ${found}`);
      listed.push({
        ...known,
        facts,
        series: listedSeries(points),
        foreign: foreignSnapshots(snapshots, points),
        locks: await store.locks(signal),
        upkeep,
      });
    } catch (error) {
      if (signal.aborted) throw error;
      const { kind, doing, found, remedy } = failureOf(error, `list the repository ${config.name}`);
      const failure = concealReport({ kind, doing, found, ...(remedy && { remedy }) }, conceal);
      listed.push({ ...known, series: [], foreign: 0, locks: [], upkeep, failure });
    }
  }
  return listed;
}

function knownOf({ name, url, appendOnly, mirror }: RepositoryConfig, conceal: (text: string) => string) {
  return {
    repository: name,
    url: conceal(url),
    appendOnly,
    ...(mirror === undefined ? {} : { mirrorTo: mirror.to }),
  };
}
