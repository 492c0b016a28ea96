import { mkdir, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { platform } from "node:os";
import path from "node:path";
import { BackupError } from "../core/errors.ts";

/** Ends the name of a file that is being written; one that stays was left by a process that was killed. */
export const unfinished = ".new";

/** A system error with its code, as Node throws it. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error));
}

/** What to do about EROFS: most often it is a unit of systemd that says where its service may write. */
const readOnlyHere =
  "a service of systemd may write only where its unit says: add ReadWritePaths= with that directory to it (systemctl edit), or name another directory";

/** A failure to write, with what to do about the usual causes. */
export function cannotWrite(doing: string, error: unknown): BackupError {
  const code = codeOf(error);
  const remedy =
    code === "ENOSPC"
      ? "free some space"
      : code === "EROFS"
        ? readOnlyHere
        : code === "EACCES" || code === "EPERM"
          ? "run as root, or name another directory by stateDirectory or STATE_DIRECTORY"
          : "check the directory and its filesystem";
  return new BackupError({ kind: "cannot-write", doing, found: code, code, remedy }, { cause: error });
}

/**
 * Makes a directory and those above it. Node's own recursive mkdir never ends where the system says that
 * a parent is missing and cannot be made, as below /proc.
 */
export async function makeDirectory(directory: string): Promise<void> {
  const missing: string[] = [];
  for (let one = path.resolve(directory); !(await exists(one)); one = path.dirname(one)) missing.unshift(one);
  for (const one of missing) {
    await mkdir(one, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
  }
}

function exists(directory: string): Promise<boolean> {
  return stat(directory).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    },
  );
}

/**
 * Replaces a file as a whole: whoever reads it, or whenever the machine stops, it is the old or the
 * new one, also when two processes replace it at once. Only the owner may read it. `mark`: what no
 * other writer of the file has, where one is known.
 */
export async function replaceFile(file: string, text: string, mark?: string): Promise<void> {
  const directory = path.dirname(file);
  // A daemon has a mark of its own, and holds for weeks what it has loaded.
  const own = mark ?? (await import("node:crypto")).randomBytes(4).toString("hex");
  const fresh = `${file}.${own}${unfinished}`;
  try {
    await makeDirectory(directory);
    const handle = await open(fresh, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
    await syncDirectory(directory);
  } catch (error) {
    await unlink(fresh).catch(() => undefined);
    throw cannotWrite(`write ${file}`, error);
  }
}

/** Without this a power cut can undo the rename; Windows cannot open directories and needs no sync. */
async function syncDirectory(directory: string): Promise<void> {
  if (platform() === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Adds a line and waits until it is on the disk. */
export async function appendLine(file: string, line: string): Promise<void> {
  try {
    await makeDirectory(path.dirname(file));
    const handle = await open(file, "a", 0o600);
    try {
      await handle.appendFile(`${line}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw cannotWrite(`append to ${file}`, error);
  }
}

/** The parsed content; absent if there is no such file or it is not JSON. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as unknown;
  } catch {
    return undefined;
  }
}
