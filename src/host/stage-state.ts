import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { replaceFile } from "./atomic-file.ts";
import type { HeldDirectory } from "./held-directory.ts";
import { flock } from "./lock.ts";

/** How far a copy has come. */
export interface Noted {
  readonly batches: number;
  readonly settling: boolean;
}

const longestState = 64 * 1024;

/** Writes down of which copy a stage is and how far that has come. */
export async function note(stage: HeldDirectory, key: string, { batches, settling }: Noted): Promise<void> {
  const copy = JSON.parse(key) as unknown;
  await replaceFile(stage.pathOf("state"), JSON.stringify({ copy, batches, settling }));
}

/** Locks a stage; absent if another process has it. */
export async function lockIn(held: HeldDirectory): Promise<FileHandle | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(held.pathOf("copy.lock"), flags, 0o600);
  const isLocked = await flock(handle.fd).catch(async (error: unknown) => {
    await handle.close();
    throw error;
  });
  if (isLocked) return handle;
  await handle.close();
  return undefined;
}

/** What a stage tells of itself; absent where it tells nothing, or others could have written it. */
export async function stateOf(
  held: HeldDirectory,
  own: number,
): Promise<(Noted & { key: string }) | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(held.pathOf("state"), flags).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const stats = await handle.stat();
    if (!stats.isFile() || stats.uid !== own || stats.size > longestState) return undefined;
    const state = JSON.parse(await handle.readFile("utf8")) as Partial<Noted> & { copy?: unknown };
    const { batches = 0, settling, copy } = state;
    return { key: JSON.stringify(copy ?? null), batches: Number(batches), settling: settling === true };
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
