import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { BackupError } from "../core/errors.ts";
import { cannotWrite } from "./atomic-file.ts";
import { refuseSilent } from "./silent-mounts.ts";

/** A file that the output of a command is appended to. */
export interface CommandLog {
  append(chunk: Buffer): void;
  /** Resolves when all is written that was appended before. Never rejects. */
  idle(): Promise<void>;
  /** Bytes that are not yet written. */
  readonly waiting: number;
  /** Writes what is left and closes; the first thing that went wrong, if any. */
  close(): Promise<unknown>;
}

/**
 * Opens the file for its owner alone. Follows no link and writes to nothing but a plain file of root or of
 * the given user, since another could be waiting there for what the agent writes. `uid` is the agent's.
 */
export async function openCommandLog(
  file: string,
  uid: number | undefined,
  signal?: AbortSignal,
): Promise<CommandLog> {
  await refuseSilent(file, `open the log ${file}`, signal);
  return appending(await openToAppend(file, uid));
}

/** The same as a bare handle. Where there are no such flags and users (Windows), nothing of that is judged. */
export async function openToAppend(file: string, uid: number | undefined): Promise<FileHandle> {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const doing = `open the log ${file}`;
  let handle: FileHandle;
  try {
    handle = await open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ELOOP" && code !== "ENXIO") throw cannotWrite(doing, error);
    throw unsuitable(doing, code === "ELOOP" ? "a symbolic link" : "a pipe", code);
  }
  const stats = await handle.stat();
  const found = !stats.isFile()
    ? "something that is no plain file"
    : stats.nlink > 1
      ? "a file that has another name as well"
      : stats.uid !== 0 && uid !== undefined && stats.uid !== uid
        ? `a file of the user ${stats.uid}`
        : undefined;
  if (found === undefined) return handle;
  await handle.close();
  throw unsuitable(doing, found);
}

function unsuitable(doing: string, found: string, code?: string): BackupError {
  const remedy = "name a file of the agent's own in a directory that others cannot write";
  return new BackupError({
    kind: "cannot-write",
    doing,
    found,
    remedy,
    ...(code === undefined ? {} : { code }),
  });
}

function appending(handle: FileHandle): CommandLog {
  let waiting = 0;
  let problem: unknown;
  let last: Promise<void> = Promise.resolve();
  return {
    append(chunk) {
      waiting += chunk.length;
      last = last
        .then(() => (problem === undefined ? handle.appendFile(chunk) : undefined))
        .catch((error: unknown) => {
          problem ??= error;
        })
        .finally(() => {
          waiting -= chunk.length;
        });
    },
    idle: () => last,
    get waiting() {
      return waiting;
    },
    async close() {
      await last;
      await handle.close().catch((error: unknown) => {
        problem ??= error;
      });
      return problem;
    },
  };
}
