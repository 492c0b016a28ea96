import { constants } from "node:fs";
import { chmod, chown, lstat, mkdir, open, rmdir } from "node:fs/promises";
import type { DrillHost } from "../core/drill-ports.ts";
import { BackupError } from "../core/errors.ts";
import { askProgram, told } from "./ask-program.ts";
import { codeOf } from "./atomic-file.ts";
import { checkFilesystem } from "./check-filesystem.ts";
import { insideClone } from "./inside-clone.ts";
import { userAccount } from "./user-account.ts";

/** As long as the drill, which ends it by its signal. Milliseconds. */
const patience = 7 * 86_400_000;

/** Bytes; a list of half a million files is smaller. */
const longestList = 64 * 1024 * 1024;

/**
 * This host as far as drills look at files and filesystems. Files of clones are read by programs of the system: a disk
 * that does not answer keeps those alone.
 */
export function drillHost(command: DrillHost["command"]): DrillHost {
  return {
    open: openDirectory,
    async close(directories) {
      for (const one of directories) await rmdir(one).catch(() => undefined);
    },
    checkFilesystem,
    command,
    entry: async (root, path, signal) => (await insideClone(root, path, { follow: true }, signal)).entry,
    async list(root, path, signal) {
      if (root === undefined) return ownList(path);
      const { at } = await plainFile(root, path, signal);
      const options = { timeout: patience, signal, most: longestList };
      return told("cat", ["--", at], options);
    },
    async sha256(root, path, signal) {
      const { at } = await plainFile(root, path, signal);
      const doing = `read ${path} in the point`;
      const answer = await askProgram("sha256sum", ["-b", "-z", "--", at], { timeout: patience, signal });
      const [sum] = /^[0-9a-f]{64}/.exec(answer.stdout.toString("latin1")) ?? [];
      if (answer.code === 0 && sum !== undefined) return sum;
      throw new BackupError({ kind: "refused", doing, found: answer.said });
    },
  };
}

async function plainFile(root: string, path: string, signal: AbortSignal) {
  const found = await insideClone(root, path, { follow: true }, signal);
  if (found.entry.kind === "file") return found;
  const doing = `read ${path} in the point`;
  throw new BackupError({ kind: "refused", doing, found: `it is a ${found.entry.kind}` });
}

async function ownList(path: string): Promise<string> {
  const doing = `read the checksums in ${path}`;
  try {
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await handle.stat();
      if (!stats.isFile() || stats.size > longestList) throw new Error("it is no file of at most 64 MiB");
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new BackupError({ kind: "configuration", doing, found: codeOf(error) }, { cause: error });
  }
}

/** What is mounted below has the users of another machine: only the one who is to look at it may come there. */
async function openDirectory(
  directory: string,
  user: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const doing = `make ${directory}`;
  const gid = user === undefined ? undefined : (await userAccount(user, signal))?.gid;
  try {
    await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
    // In a directory that others may write to, it could be theirs.
    const stats = await lstat(directory);
    if (!stats.isDirectory() || stats.uid !== 0) throw new Error("it is there and is no directory of root");
    await chown(directory, 0, gid ?? 0);
    await chmod(directory, gid === undefined ? 0o700 : 0o710);
  } catch (error) {
    throw new BackupError({ kind: "cannot-write", doing, found: codeOf(error) }, { cause: error });
  }
}
