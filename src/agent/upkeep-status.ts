import { repositoriesOf } from "../config/repositories.ts";
import { judgeUpkeep, type UpkeepStatus } from "../core/upkeep-status.ts";
import { upkeepStates } from "../host/upkeep-state.ts";
import { writtenSettings } from "./configuration.ts";
import type { AgentOptions } from "./wish.ts";

/** What this host remembers of the upkeep of its repositories. `host`: its id or name. */
export async function upkeepStatus(
  { loaded, stateDirectory }: Pick<AgentOptions, "loaded" | "stateDirectory">,
  host: string,
  now: Date,
): Promise<readonly UpkeepStatus[]> {
  const states = upkeepStates(stateDirectory, host);
  const judged = repositoriesOf(writtenSettings(loaded)).map(async (config) =>
    judgeUpkeep(config, await states.read(config.name), now),
  );
  return (await Promise.all(judged)).flat();
}
