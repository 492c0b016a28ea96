import { spawn } from "node:child_process";
import { constants, existsSync, readdirSync, statSync } from "node:fs";
import { type FileHandle, open, readFile, rm, stat } from "node:fs/promises";
import { platform } from "node:os";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import type { HeldLock, Locks } from "../core/ports.ts";
import { cannotWrite, codeOf, makeDirectory } from "./atomic-file.ts";

/**
 * Locks that the kernel releases when their process ends, in whatever way it ends: there is no stale
 * lock to recognise and no file whose age must be believed.
 */
export function fileLocks(directory: string): Locks {
  return {
    async take(job, owner) {
      const lock = await takeFile(path.join(directory, `${job}.lock`), owner);
      return "heldBy" in lock ? lock : { release: lock.release };
    },
  };
}

/** The locks of a directory whose holders have not released them: they are at work still, or were killed. */
export function unreleased(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".lock") && statSync(path.join(directory, name)).size > 0)
      .map((name) => name.slice(0, -".lock".length));
  } catch {
    // There is none, or one has gone meanwhile: whoever is concerned is heard of again.
    return [];
  }
}

/** Who had a lock and was killed with it; nothing where it was released, or its holder lives. */
export async function killedHolder(directory: string, name: string): Promise<string | undefined> {
  const holder = (await readFile(path.join(directory, `${name}.lock`), "utf8").catch(() => "")).trim();
  const [, pid] = /^process (\d+)/.exec(holder) ?? [];
  if (pid === undefined || !existsSync("/proc/self")) return undefined;
  return existsSync(`/proc/${pid}`) ? undefined : holder;
}

/** One whose file goes when it is released. On Linux only. */
export async function passingLock(file: string, owner: string): Promise<HeldLock | { heldBy: string }> {
  for (;;) {
    const lock = await takeFile(file, owner);
    if ("heldBy" in lock) return lock;
    // Whoever had it may have taken the file away after we had opened it: then others lock another one.
    const now = await stat(file).catch(() => undefined);
    if (now?.ino !== lock.inode) {
      await lock.release();
      continue;
    }
    return {
      async release() {
        await rm(file, { force: true });
        await lock.release();
      },
    };
  }
}

async function takeFile(
  file: string,
  owner: string,
): Promise<(HeldLock & { readonly inode: number }) | { heldBy: string }> {
  const handle = await openLocked(file);
  if (handle === undefined) {
    const holder = (await readFile(file, "utf8").catch(() => "")).trim();
    return { heldBy: holder === "" ? file : holder };
  }
  // The name only tells others; the lock holds without it, also on a full disk.
  await nameOwner(handle, owner).catch(() => undefined);
  const { ino } = await handle.stat();
  const release = async (): Promise<void> => {
    // What still names somebody was not released: whoever had it was killed.
    await handle.truncate(0).catch(() => undefined);
    await handle.close();
  };
  return { inode: ino, release };
}

async function nameOwner(handle: FileHandle, owner: string): Promise<void> {
  await handle.truncate(0);
  await handle.write(`${owner}\n`, 0);
}

/** The open and locked file, or nothing if another process has it. */
async function openLocked(file: string): Promise<FileHandle | undefined> {
  const atOpen = lockingFlags();
  let handle: FileHandle;
  try {
    await makeDirectory(path.dirname(file));
    handle = await open(file, constants.O_RDWR | constants.O_CREAT | atOpen, 0o600);
  } catch (error) {
    if (atOpen !== 0 && ["EAGAIN", "EBUSY"].includes(codeOf(error))) return undefined;
    throw cannotWrite(`open the lock ${file}`, error);
  }
  if (atOpen !== 0) return handle;
  try {
    if (await flock(handle.fd)) return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}

/**
 * Other systems than Linux lock at open, by flags that Node does not name: BSD and macOS by O_NONBLOCK and O_EXLOCK
 * of their fcntl.h, Windows by UV_FS_O_EXLOCK of libuv, which opens a file for nobody else.
 */
function lockingFlags(): number {
  if (platform() === "linux") return 0;
  return platform() === "win32" ? 0x1000_0000 : 0x0004 | 0x0020;
}

/**
 * Locks the open file by flock(1): the lock belongs to the open file that this process and the child
 * share, so it stays when the child has ended.
 */
export function flock(fd: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const fail = (found: string): void =>
      reject(
        new BackupError({
          kind: "cannot-write",
          doing: "take the lock",
          found,
          remedy: "flock(1) of util-linux must be in the PATH",
        }),
      );
    const child = spawn("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", fd] });
    child.once("error", (error) => fail(`flock cannot be started (${codeOf(error)})`));
    child.once("exit", (code, signal) => {
      if (code === 0 || code === 1) resolve(code === 0);
      else fail(`flock ended with ${code ?? signal}`);
    });
  });
}
