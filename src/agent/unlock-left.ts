import { repositoriesOf } from "../config/repositories.ts";
import { failureOf, sentenceOf } from "../core/errors.ts";
import { upkeepLock } from "../core/upkeep-names.ts";
import { unreleased } from "../host/lock.ts";
import { writtenSettings } from "./configuration.ts";
import { openStore } from "./store-world.ts";
import { takeUpkeepLock } from "./take-upkeep-lock.ts";
import { upkeepHost } from "./upkeep-host.ts";
import type { AgentOptions } from "./wish.ts";

/** By their names: whose locks are gone that killed upkeep had, and which could not be looked at. */
export interface UnlockedLeft {
  readonly unlocked: readonly string[];
  readonly locked: readonly string[];
}

/**
 * Takes away what killed upkeep of this host has locked, so that other hosts need not wait until this one looks after
 * the repository again. Where it does not answer, it is remembered for the next time.
 */
export async function unlockLeft(options: AgentOptions, signal: AbortSignal): Promise<UnlockedLeft> {
  const { loaded, stateDirectory, self, log } = options;
  const directory = `${stateDirectory}/locks`;
  const names = unreleased(directory);
  const repositories = repositoriesOf(writtenSettings(loaded));
  const [unlocked, locked]: [string[], string[]] = [[], []];
  for (const { name } of repositories.filter((one) => names.includes(upkeepLock.of(one.name)))) {
    const lock = await takeUpkeepLock(name, options);
    // It is at work.
    if ("heldBy" in lock) continue;
    try {
      const { identity } = await upkeepHost(options, signal);
      const region = identity === undefined ? {} : { region: identity.region };
      const store = await openStore(name, { repositories, self, stateDirectory, ...region }, signal);
      await store.clearDead(signal);
      await lock.release();
      unlocked.push(name);
      log("info", `upkeep of ${name} was killed on this host; nothing of it is locked any more`);
    } catch (error) {
      // Not released: what it names says that there is something left.
      locked.push(name);
      log("warn", sentenceOf(failureOf(error, `remove what killed upkeep has locked in ${name}`)));
    }
  }
  return { unlocked, locked };
}
