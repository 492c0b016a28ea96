import type { HeldLock } from "../core/ports.ts";
import { upkeepLock } from "../core/upkeep-names.ts";
import { fileLocks } from "../host/lock.ts";
import type { AgentOptions } from "./wish.ts";

/** Takes what keeps other upkeep of this host from a repository, or tells who has it. */
export function takeUpkeepLock(
  name: string,
  { stateDirectory, owner }: Pick<AgentOptions, "stateDirectory" | "owner">,
): Promise<HeldLock | { readonly heldBy: string }> {
  return fileLocks(`${stateDirectory}/locks`).take(upkeepLock.of(name), owner);
}
