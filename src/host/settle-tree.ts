import { constants } from "node:fs";
import { type FileHandle, link, lstat, open, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { BackupError } from "../core/errors.ts";
import type { Existing } from "../core/file-ports.ts";
import { codeOf } from "./atomic-file.ts";

/** O_PATH, which Node does not name: a handle for the place alone. */
const placeOnly = 0o10000000;

/**
 * A directory that is held open, so that names are looked up in it and nowhere else, whatever becomes of the path
 * that led to it: the kernel's own way of openat(2) for programs that lack it.
 */
export class HeldDirectory {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Fails with ENOTDIR or ELOOP where it is no directory but a link to one. */
  static async open(path: string | Buffer): Promise<HeldDirectory> {
    return new HeldDirectory(await open(path, placeOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW));
  }

  /** The path of a name in it; names are bytes. */
  at(name: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.#handle.fd}/`), name]);
  }

  async names(): Promise<Buffer[]> {
    const names = await readdir(`/proc/self/fd/${this.#handle.fd}/.`, { encoding: "buffer" });
    return names.sort(Buffer.compare);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** What moving into place comes to. Paths are bytes, each as one character, from the top of what is moved. */
export interface Settled {
  /** There already, and left as it is. */
  readonly kept: string[];
  /** Directories that were there and whose content was added to. */
  readonly merged: string[];
}

/** Where an entry is moved: from a name in one held directory to a name in another. */
export interface Move {
  readonly from: HeldDirectory;
  readonly name: Buffer;
  readonly to: HeldDirectory;
  readonly as: Buffer;
  readonly path: string;
}

/**
 * Moves an entry into its place, as a whole where there is nothing yet; into a directory that is there, entry by
 * entry. Each file appears complete or not at all; what is there is never replaced but on `overwrite`, a directory
 * never, and no link is followed. Can be interrupted and called again.
 */
export async function settleEntry(move: Move, existing: Existing, result: Settled): Promise<void> {
  const [source, target] = [move.from.at(move.name), move.to.at(move.as)];
  const ours = await lstat(source, { bigint: true });
  const theirs = await lstat(target, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  // An earlier call had come as far as this.
  if (theirs !== undefined && theirs.dev === ours.dev && theirs.ino === ours.ino) return unlink(source);
  if (ours.isDirectory() && theirs === undefined) return rename(source, target);
  if (ours.isDirectory() && theirs?.isDirectory() === true) return settleInside(move, existing, result);
  if (theirs === undefined) {
    await putInto(source, target);
  } else if (existing === "overwrite" && !ours.isDirectory() && !theirs.isDirectory()) {
    await rename(source, target);
  } else result.kept.push(move.path);
}

async function settleInside(move: Move, existing: Existing, result: Settled): Promise<void> {
  await using from = await HeldDirectory.open(move.from.at(move.name));
  await using to = await HeldDirectory.open(move.to.at(move.as));
  result.merged.push(move.path);
  for (const name of await from.names()) {
    const path = `${move.path}/${name.toString("latin1")}`;
    await settleEntry({ from, name, to, as: name, path }, existing, result).catch((error: unknown) => {
      throw error instanceof BackupError ? error : cannotSettle(path, error);
    });
  }
  await rmdir(move.from.at(move.name)).catch(() => undefined);
}

/** A link cannot replace what has appeared meanwhile, as a rename would; only old and foreign filesystems have none. */
async function putInto(source: Buffer, target: Buffer): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    if (!["EPERM", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(codeOf(error))) throw error;
    return rename(source, target);
  }
  await unlink(source);
}

function cannotSettle(path: string, error: unknown): BackupError {
  const code = codeOf(error);
  const shown = Buffer.from(path, "latin1").toString("utf8");
  const remedy =
    code === "EXDEV"
      ? "another filesystem is mounted there: restore that part by itself"
      : "the same command then continues";
  const failure = {
    kind: "cannot-write",
    doing: `put ${shown} into its place`,
    found: code,
    code,
    remedy,
  } as const;
  return new BackupError(failure, { cause: error });
}
