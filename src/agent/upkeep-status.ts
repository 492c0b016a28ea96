import { repositoriesOf } from "../config/repositories.ts";
import { upkeepLock } from "../core/upkeep-names.ts";
import { judgeUpkeep, type UpkeepStatus } from "../core/upkeep-status.ts";
import { killedHolder } from "../host/lock.ts";
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

/** Repositories of which the upkeep was killed on this host and has not been undone yet, in words. */
export async function killedUpkeep({
  loaded,
  stateDirectory,
}: Pick<AgentOptions, "loaded" | "stateDirectory">): Promise<string[]> {
  const told = repositoriesOf(writtenSettings(loaded)).map(async ({ name }) => {
    const holder = await killedHolder(`${stateDirectory}/locks`, upkeepLock.of(name));
    if (holder === undefined) return [];
    const remedy = `the daemon unlocks it, or ec2-backup repository unlock ${name}`;
    return [`upkeep of ${name} was killed (${holder}) and may have left it locked: ${remedy}`];
  });
  return (await Promise.all(told)).flat();
}
