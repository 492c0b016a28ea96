import { link, lstat, rename, unlink } from "node:fs/promises";
import { BackupError } from "../core/errors.ts";
import type { Existing } from "../core/file-ports.ts";
import { codeOf } from "./atomic-file.ts";
import type { HeldDirectory } from "./held-directory.ts";
import { letGo } from "./let-go.ts";

/** How entries are moved into place. Paths are bytes, each as one character, from the top of what is moved. */
export interface Settling {
  readonly existing: Existing;
  /** Gets what was there already and is left as it is. */
  readonly kept: string[];
  /** Gets the directories that were there, each once all is in it that comes into it. */
  readonly merged: { add(one: Merged): Promise<void> };
}

/** A directory that was there and whose content was added to. */
export interface Merged {
  readonly path: string;
  /** To be closed by whoever gets it. */
  readonly directory: HeldDirectory;
}

/** Where an entry is moved: from a name in one held directory to a name in another. */
export interface Move {
  readonly from: HeldDirectory;
  readonly name: Buffer;
  readonly to: HeldDirectory;
  readonly as: Buffer;
  readonly path: string;
  /** What is there under the new name, where that is a directory that is held already. */
  readonly into?: HeldDirectory;
}

/**
 * Moves an entry into its place, as a whole where there is nothing yet; into a directory that is there, entry by
 * entry. Each file appears complete or not at all; what is there is never replaced but on `overwrite`, a directory
 * never, and no link is followed. Can be interrupted and called again. Fails as `cannot-write`.
 */
export function settleEntry(move: Move, how: Settling): Promise<void> {
  return settle(move, how).catch((error: unknown) => {
    throw error instanceof BackupError ? error : cannotSettle(move.path, error);
  });
}

async function settle(move: Move, how: Settling): Promise<void> {
  const [source, target] = [move.from.at(move.name), move.to.at(move.as)];
  const ours = await lstat(source, { bigint: true });
  if (move.into !== undefined && ours.isDirectory()) return settleInside(move, move.into, how);
  const theirs = await lstat(target, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  // An earlier call had come as far as this.
  if (theirs !== undefined && theirs.dev === ours.dev && theirs.ino === ours.ino) return unlink(source);
  if (ours.isDirectory() && theirs === undefined) return rename(source, target);
  if (ours.isDirectory() && theirs?.isDirectory() === true)
    return settleInside(move, await move.to.inside(move.as), how);
  if (theirs === undefined) {
    await putInto(source, target);
  } else if (how.existing === "overwrite" && !ours.isDirectory() && !theirs.isDirectory()) {
    await rename(source, target);
  } else how.kept.push(move.path);
}

async function settleInside(move: Move, to: HeldDirectory, how: Settling): Promise<void> {
  await letGo(await move.from.inside(move.name), async (from) => {
    try {
      for (const name of await from.names()) {
        const path = `${move.path}/${name.toString("latin1")}`;
        await settleEntry({ from, name, to, as: name, path }, how);
      }
    } catch (error) {
      await to[Symbol.asyncDispose]();
      throw error;
    }
    await how.merged.add({ path: move.path, directory: to });
  });
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
