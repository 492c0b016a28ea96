import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import type { HeldLock, Locks } from "../core/ports.ts";
import { cannotWrite, codeOf } from "./atomic-file.ts";
import { sleep } from "./sleep.ts";

/** The one file of this agent in the directory of node_exporter's textfile collector. */
export const textfileName = "ec2_backup.prom";

/** No job can have this name. */
const lockName = "textfile.prom";

/** As long as another run may take to write its values, in milliseconds. */
const lockFor = 5_000;
const lockEvery = 50;

/** More than all values of 128 volumes and a hundred jobs take. */
const largest = 16 * 1024 * 1024;

/**
 * Rewrites the file for node_exporter's textfile collector: what `change` makes of the text that is there. Runs
 * of other jobs may do so at the same time, hence the lock; the collector may read at any time, hence the
 * rename. Everybody may read the file.
 *
 * The directory must be there: in one that we made ourselves nobody would look. Throws `cannot-write`.
 */
export async function rewriteTextfile(
  directory: string,
  locks: Locks,
  change: (there: string) => string,
): Promise<void> {
  const doing = `write ${path.join(directory, textfileName)}`;
  await mustBeThere(directory, doing);
  const lock = await locked(locks, doing);
  const file = path.join(directory, textfileName);
  // The collector reads names that end in .prom only.
  const fresh = `${file}.${randomBytes(4).toString("hex")}`;
  try {
    const text = change(await textOf(file));
    // Others may have the right to write here: nothing that they put in our way is followed.
    const handle = await open(fresh, "wx", 0o644);
    try {
      await handle.chmod(0o644);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await unlink(fresh).catch(() => undefined);
    // A disk that is full is full wherever the collector is told to look.
    throw ["ENOSPC", "EROFS"].includes(codeOf(error))
      ? cannotWrite(doing, error)
      : cannot(doing, codeOf(error), error);
  } finally {
    await lock.release();
  }
}

async function mustBeThere(directory: string, doing: string): Promise<void> {
  const found = await stat(directory).then(
    (stats) => (stats.isDirectory() ? undefined : "something that is no directory"),
    (error: unknown) => codeOf(error),
  );
  if (found !== undefined) throw cannot(doing, found);
}

async function locked(locks: Locks, doing: string): Promise<HeldLock> {
  for (let waited = 0; ; waited += lockEvery) {
    const lock = await locks.take(lockName, "writes the textfile");
    if (!("heldBy" in lock)) return lock;
    if (waited >= lockFor) throw cannot(doing, `another run has been writing it for ${lockFor / 1000} s`);
    await sleep(lockEvery);
  }
}

/** What is there; nothing if there is no file, or something that is none. */
async function textOf(file: string): Promise<string> {
  // A FIFO or a link that somebody put there is neither waited for nor followed.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);
  const handle = await open(file, flags).catch(() => undefined);
  if (handle === undefined) return "";
  try {
    const stats = await handle.stat();
    return stats.isFile() && stats.size <= largest ? await handle.readFile("utf8") : "";
  } finally {
    await handle.close();
  }
}

function cannot(doing: string, found: string, cause?: unknown): BackupError {
  const remedy =
    "name by metrics.prometheus.directory the one that node_exporter is started with (--collector.textfile.directory)";
  return new BackupError({ kind: "cannot-write", doing, found, remedy, code: found }, { cause });
}
