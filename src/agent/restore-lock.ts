import type { HeldLock } from "../core/ports.ts";
import { fileLocks } from "../host/lock.ts";
import type { AgentOptions } from "./wish.ts";

/** What the lock goes by. */
export type LockOptions = Pick<AgentOptions, "stateDirectory" | "owner" | "self">;

/** Only root may write there, and a boot empties it. */
const fixed = "/run";

/** Whether the lock keeps everybody else of this host away, whatever directories they were given. */
export function isSole({ platform, uid }: LockOptions["self"]): boolean {
  return platform === "win32" || (platform === "linux" && uid === 0);
}

/**
 * The lock of restores and drills of this host, or who has it. Volumes of another that is at work would look like
 * left-overs, so it lies at a fixed place: a state or runtime directory can be another one in another shell. Users
 * other than root cannot write to such a place, and have the state directory alone.
 */
export async function restoreLock(
  { stateDirectory, owner, self }: LockOptions,
  what: string,
): Promise<HeldLock | { readonly heldBy: string }> {
  const by = `${owner}, ${what}`;
  // No job has such a name.
  const own = await fileLocks(`${stateDirectory}/locks`).take(".restore", by);
  if ("heldBy" in own || self.platform !== "linux" || !isSole(self)) return own;
  try {
    const all = await fileLocks(fixed).take(nameOf(self.env), by);
    if ("heldBy" in all) {
      await own.release();
      return all;
    }
    return {
      async release() {
        await all.release();
        await own.release();
      },
    };
  } catch (error) {
    await own.release();
    throw error;
  }
}

/** Who asks another metadata service takes itself for another instance. */
function nameOf(env: LockOptions["self"]["env"]): string {
  const service = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "";
  return `ec2-backup-restore${service === "" ? "" : `-${service.replace(/\W+/g, "-").slice(0, 100)}`}`;
}
