import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { octal } from "../core/distrust.ts";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";

/** A small file as it was when it was open, and who could have read or written it. */
export interface OpenedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
}

/** Option files and secrets are short; a device or a log given by mistake must not fill the memory. */
const longestFile = 256 * 1024;

/** Reads a small file; absent if there is none. A file that cannot be read is a failure of kind `configuration`. */
export async function openedFile(path: string): Promise<OpenedFile | undefined> {
  const doing = `read ${path}`;
  try {
    // A pipe that nobody writes to would never open otherwise, and hold the process for ever.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await handle.stat();
      const { mode, uid, size } = stats;
      if (!stats.isFile())
        throw new BackupError({ kind: "configuration", doing, found: "it is no regular file" });
      if (size > longestFile)
        throw new BackupError({ kind: "configuration", doing, found: `it has ${size} bytes` });
      return { path, text: await handle.readFile("utf8"), mode, uid };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof BackupError) throw error;
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new BackupError({ kind: "configuration", doing, found: code, code }, { cause: error });
  }
}

/** The names in a directory, sorted; none if there is no such directory. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    const doing = `list ${directory}`;
    throw new BackupError({ kind: "configuration", doing, found: code, code }, { cause: error });
  }
}

/**
 * Refuses a file with a secret that others can read, or that somebody else than root and the agent's user
 * owns. `uid` is the agent's user; without one (Windows) nothing is judged, since mode bits mean nothing there.
 */
export function refuseExposed(file: OpenedFile, uid: number | undefined, what = "password"): void {
  if (uid === undefined) return;
  const doing = `use the ${what} in ${file.path}`;
  if (file.uid !== 0 && file.uid !== uid) {
    const found = `the owner uid ${file.uid} instead of root or the agent's user`;
    throw new BackupError({ kind: "configuration", doing, found, remedy: `chown root ${file.path}` });
  }
  if ((file.mode & 0o077) !== 0) {
    const found = `mode ${octal(file.mode)}, so others can read it`;
    throw new BackupError({ kind: "configuration", doing, found, remedy: `chmod 600 ${file.path}` });
  }
}

/** The password that a file holds, without the line's end. A failure never says anything of the content. */
export function passwordIn(path: string, uid: number | undefined): Promise<string> {
  return secretIn(path, uid, "password");
}

/** The same for another secret of one line; `what` names it in failures. */
export async function secretIn(path: string, uid: number | undefined, what: string): Promise<string> {
  const doing = `use the ${what} in ${path}`;
  const file = await openedFile(path);
  if (file === undefined) throw new BackupError({ kind: "configuration", doing, found: "no such file" });
  refuseExposed(file, uid, what);
  const password = file.text.replace(/\r?\n$/, "");
  if (password === "" || /[\r\n]/.test(password)) {
    const found = password === "" ? "an empty file" : "more than one line";
    const remedy = `the file must hold the ${what} alone, in one line`;
    throw new BackupError({ kind: "configuration", doing, found, remedy });
  }
  return password;
}
