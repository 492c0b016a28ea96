import { heldHere, type UpkeepOrder } from "../actions/upkeep.ts";
import { BackupError, interrupted } from "../core/errors.ts";
import type { HeldLock } from "../core/ports.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import { systemClock } from "../host/clock.ts";
import { takeUpkeepLock } from "./take-upkeep-lock.ts";
import type { AgentOptions } from "./wish.ts";

interface LockingOptions extends Pick<AgentOptions, "stateDirectory" | "owner" | "log"> {
  readonly order: Pick<UpkeepOrder, "trigger">;
}

/** What killed upkeep has left says so no longer once an unlock has gone there; upkeep that is at work keeps it. */
export async function takenOver(
  { name }: RepositoryConfig,
  { stateDirectory, owner }: Pick<AgentOptions, "stateDirectory" | "owner">,
): Promise<HeldLock[]> {
  const lock = await takeUpkeepLock(name, { stateDirectory, owner });
  return "heldBy" in lock ? [] : [lock];
}

/** The pause between two looks whether another one is done, in milliseconds. */
const lookEvery = 2_000;

/**
 * Keeps other upkeep of this host from the same repositories. What runs on a schedule waits for it as long as one may
 * take; who asks by hand waits as for any other lock.
 */
export async function lockAll(
  names: readonly string[],
  { lockWait, deadline }: RepositoryConfig,
  { stateDirectory, owner, order, log }: LockingOptions,
  signal: AbortSignal,
): Promise<HeldLock[]> {
  const until = systemClock.elapsed() + (order.trigger === "manual" ? lockWait : deadline);
  const held: HeldLock[] = [];
  // In one order, so that two do not wait for each other.
  for (const name of [...new Set(names)].filter((one) => one !== "").sort()) {
    let waited = false;
    for (;;) {
      const lock = await takeUpkeepLock(name, { stateDirectory, owner });
      if (!("heldBy" in lock)) {
        held.push(lock);
        break;
      }
      if (!waited) log("info", `waiting for ${lock.heldBy}, which is at work on the repository ${name}`);
      waited = true;
      const left = until - systemClock.elapsed();
      if (left > 0) await systemClock.sleep(Math.min(lookEvery, left), signal);
      if (left > 0 && !signal.aborted) continue;
      for (const one of held) await one.release();
      if (signal.aborted) throw interrupted(`look after the repository ${name}`);
      throw new BackupError({
        kind: "locked",
        code: heldHere,
        doing: `look after the repository ${name}`,
        found: `${lock.heldBy} is at work on it on this host`,
        remedy: "try again when it is done",
      });
    }
  }
  return held;
}
