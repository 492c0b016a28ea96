import { BackupError } from "../core/errors.ts";
import { passingLock } from "../host/lock.ts";

/** Only root may write there, and a boot empties it. */
const file = "/run/ec2-backup-install.lock";

/**
 * One install or uninstall of this host at a time: each takes the files that it finds for what there is.
 * @throws BackupError `locked` where another is at work.
 */
export async function oneInstall<T>(doing: "install" | "uninstall", work: () => Promise<T>): Promise<T> {
  const lock = await passingLock(file, `ec2-backup ${doing}`);
  if ("heldBy" in lock)
    throw new BackupError({
      kind: "locked",
      doing,
      found: `\`${lock.heldBy}\` is at work on this host`,
      remedy: "wait for it to end, and look at the plan again",
    });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
