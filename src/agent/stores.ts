import type { Settings } from "../config/defaults.ts";
import { repositoriesOf } from "../config/repositories.ts";
import type { Stores } from "../core/stored-ports.ts";
import { systemClock } from "../host/clock.ts";
import type { AgentOptions } from "./wish.ts";

/** What opening the repositories of a configuration goes by. */
export interface StoresOptions extends Pick<AgentOptions, "version" | "stateDirectory" | "self" | "storing"> {
  /** What the snapshots call this host. */
  readonly host: string;
  /** Where this host is one of EC2's. */
  readonly region?: string;
  /** Nothing is to be removed. */
  readonly planned: boolean;
}

/** The repositories of the configuration in force, and what makes dumps; each is loaded when it is first used. */
export function storesOf(settings: Settings, options: StoresOptions): Stores {
  const { self, stateDirectory, region, version, host, planned } = options;
  const repositories = repositoriesOf(settings);
  const ground = { repositories, self, stateDirectory, ...(region === undefined ? {} : { region }) };
  return {
    host,
    async open(name, signal) {
      const { openStore } = await import("./store-world.ts");
      return openStore(name, ground, signal);
    },
    async engine(store, signal) {
      const { resticEngine } = await import("../engines/restic.ts");
      const copies = repositories.some(({ mirror }) => mirror?.to === store.config.name);
      return resticEngine(store, { version, host, now: systemClock.now, copies, planned, signal });
    },
    async streams(dump, signal) {
      const { dumpSources } = await import("../hooks/dump-sources.ts");
      return dumpSources(dump, self, signal);
    },
    progress: (source, progress) => options.storing?.(source, progress),
  };
}
