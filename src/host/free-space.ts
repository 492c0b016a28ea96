import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "./atomic-file.ts";

/** What is left on the filesystem of a directory. */
export interface Space {
  /** The directory, or the nearest above it that is there. */
  readonly at: string;
  /** Bytes that the agent's user may still write. */
  readonly bytes: number;
  /** Files that may still be made; absent where the filesystem does not count them. */
  readonly files?: number;
  /** Why nothing can be written there: EROFS, EACCES. */
  readonly unwritable?: string;
}

/** Looks without writing. A directory that is not there yet is judged by where it would be made. */
export async function spaceAt(directory: string): Promise<Space> {
  const at = await nearest(path.resolve(directory));
  const { bavail, bsize, files, ffree } = await statfs(at);
  const unwritable = await access(at, constants.W_OK | constants.X_OK).then(() => undefined, codeOf);
  return {
    at,
    bytes: bavail * bsize,
    ...(files > 0 ? { files: ffree } : {}),
    ...(unwritable === undefined ? {} : { unwritable }),
  };
}

async function nearest(directory: string): Promise<string> {
  for (let at = directory; ; at = path.dirname(at)) {
    const there = await access(at).then(
      () => true,
      (error: unknown) => !["ENOENT", "ENOTDIR"].includes(codeOf(error)),
    );
    if (there || at === path.dirname(at)) return at;
  }
}
