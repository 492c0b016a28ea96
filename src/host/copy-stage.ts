import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, mkdir, rmdir, unlink } from "node:fs/promises";
import path from "node:path";
import type { CopyPlan } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { CopyOrder } from "../core/file-ports.ts";
import { told } from "./ask-program.ts";
import { cannotWrite, codeOf } from "./atomic-file.ts";
import { givenDirectory, type HeldDirectory } from "./held-directory.ts";
import type { HeldPlace } from "./hold-place.ts";
import { lockIn, type Noted, note, stateOf } from "./stage-state.ts";

/** Bytes and numbers of a batch; milliseconds without a byte after which a copy is given up. */
export interface CopyManners {
  readonly batch: { readonly bytes: number; readonly entries: number };
  readonly stall: number;
}

/** A copy and where it goes. */
export interface Work {
  readonly order: Omit<CopyOrder, "root">;
  readonly plan: CopyPlan;
  /** A directory that holds the tree's directories as they are to be, for programs of this host to read. */
  readonly molds: (stage: Stage) => Promise<string>;
  /** The name of the tree. */
  readonly name: string;
  readonly place: HeldPlace;
  /** All that tells this copy from others, as JSON: a stage is continued by the same and by no other. */
  readonly key: string;
  readonly manners: CopyManners;
}

/**
 * A directory of ours in which a copy is made complete. Whoever owns the directory that it lies in may rename it, put
 * something else in its place or remove it when it is empty; so it is held, and what is in it reached by that alone.
 */
export interface Stage extends AsyncDisposable {
  readonly held: HeldDirectory;
  /** The directory that it was made in, its name in that, and its path for people. */
  readonly where: HeldDirectory;
  readonly name: Buffer;
  readonly shown: string;
  readonly lock: FileHandle;
  readonly noted: Noted;
}

const prefix = ".ec2-backup-restore-";
const isStageName = /^\.ec2-backup-restore-[0-9a-f]{16}$/;
/** Milliseconds for the removal of a stage, which may still hold files that were not wanted. */
const removal = 600_000;

/**
 * What an earlier call has left of the same copy, locked; absent if there is nothing. It must be this user's, closed
 * to all others, and say itself that it is of the same copy. What else looks like a stage is left alone and told.
 */
export async function findStage(work: Work, notes: string[]): Promise<Stage | undefined> {
  const { uid } = await lstat("/proc/self");
  const foreign: string[] = [];
  let stage: Stage | undefined;
  for (const [where, at] of placesOf(work))
    for (const name of await where.names()) {
      if (!isStageName.test(name.toString("latin1"))) continue;
      const shown = path.join(at, name.toString());
      const held = await where.inside(name).catch(() => undefined);
      if (held === undefined) continue;
      const found = { held, where, name, shown };
      let next: Stage | undefined;
      try {
        if ((await held.stats()).uid !== uid) foreign.push(shown);
        else next = await judged(found, stage === undefined ? work.key : "", uid, notes);
      } catch (error) {
        await stage?.[Symbol.asyncDispose]();
        throw error;
      } finally {
        if (next === undefined) await held[Symbol.asyncDispose]();
      }
      stage ??= next;
    }
  const more = foreign.length > 1 ? ` and ${foreign.length - 1} more` : "";
  if (foreign.length > 0)
    notes.push(`${foreign[0]}${more} has a name like ours but another owner: it is left alone`);
  return stage;
}

type Found = Pick<Stage, "held" | "where" | "name" | "shown">;

function stageOf(found: Found, lock: FileHandle, noted: Noted): Stage {
  const release = async (): Promise<void> => {
    await lock.close();
    await found.held[Symbol.asyncDispose]();
  };
  return { ...found, lock, noted, [Symbol.asyncDispose]: release };
}

async function judged(found: Found, key: string, own: number, notes: string[]): Promise<Stage | undefined> {
  const { held, shown } = found;
  const othersWrite = ((await held.stats()).mode & 0o022) !== 0;
  const state = await stateOf(held, own);
  if (state === undefined && !(await hasTree(held))) return othersWrite ? undefined : sweep(found);
  if (state?.key !== key) {
    notes.push(`${shown} is of another copy that is not complete; if none is at work: rm -r ${shown}`);
    return undefined;
  }
  if (othersWrite)
    throw new BackupError({
      kind: "refused",
      doing: `continue the restore in ${shown}`,
      found: "others than this user could have written there",
      remedy: `look what it is, and remove it: rm -r ${shown}`,
    });
  const lock = await lockIn(held).catch((error: unknown) => {
    throw error instanceof BackupError ? error : cannotWrite(`lock ${shown}`, error);
  });
  if (lock === undefined)
    throw new BackupError({
      kind: "locked",
      doing: `continue the restore in ${shown}`,
      found: "another restore of the same is at work",
    });
  // It may just have been finished.
  const noted = await stateOf(held, own);
  if (noted?.key === key) return stageOf(found, lock, noted);
  await lock.close();
  return undefined;
}

/** Makes one under a name that nobody can know before. Somebody else may exchange it at once: then it is not ours. */
export async function makeStage(work: Work): Promise<Stage> {
  const { place, key } = work;
  const { top } = place;
  const { uid } = await lstat("/proc/self");
  const [where, at] = top === undefined ? [place.parent, path.dirname(place.path)] : [top, place.path];
  for (let attempt = 0; attempt < 10; attempt++) {
    const name = Buffer.from(`${prefix}${randomBytes(8).toString("hex")}`);
    const shown = path.join(at, name.toString());
    try {
      await mkdir(where.at(name), { mode: 0o700 });
    } catch (error) {
      if (codeOf(error) === "EEXIST") continue;
      throw cannotWrite(`make ${shown}`, error);
    }
    const held = await where.inside(name).catch(() => undefined);
    if (held === undefined) continue;
    const lock = (await isFresh(held, uid)) ? await lockFresh(held, shown) : undefined;
    if (lock === undefined) {
      await held[Symbol.asyncDispose]();
      await rmdir(where.at(name)).catch(() => undefined);
      continue;
    }
    const noted = { batches: 0, settling: false };
    const stage = stageOf({ held, where, name, shown }, lock, noted);
    await note(held, key, noted);
    return stage;
  }
  throw new BackupError({
    kind: "refused",
    doing: `restore to ${place.path}`,
    found: `what is made in ${at} is exchanged by somebody else at once`,
    remedy: "name a place that only root may write to by --to",
  });
}

/** A directory in a stage; it is made if it is not there. */
export async function roomIn({ held, shown }: Stage, name: string): Promise<HeldDirectory> {
  await mkdir(held.pathOf(name), { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== "EEXIST") throw cannotWrite(`make ${shown}/${name}`, error);
  });
  return held.inside(name);
}

/**
 * Removes a stage, last what tells of which copy it is. Tells if it is not where it was made, since the owner of the
 * directory has renamed it: then an empty directory is left.
 */
export async function removeStage(stage: Stage): Promise<string | undefined> {
  const { held, where, name, shown, lock } = stage;
  const words = ["tree", "directories", "fetched", "molds"].map((room) => `${givenDirectory}/${room}`);
  await told("rm", ["--recursive", "--force", "--", ...words], {
    timeout: removal,
    descriptors: [held.descriptor],
  });
  for (const one of await held.names()) await unlink(held.at(one));
  await lock.close();
  await rmdir(where.at(name)).catch(() => undefined);
  const now = await held.pathNow();
  return now.endsWith(" (deleted)") ? undefined : `${now} is left, empty: somebody has renamed ${shown}`;
}

function placesOf({ place }: Work): (readonly [HeldDirectory, string])[] {
  const { top } = place;
  const beside = [place.parent, path.dirname(place.path)] as const;
  return top === undefined ? [beside] : [beside, [top, place.path]];
}

/** What is left where a call was killed at the very beginning or end. */
async function sweep({ held, where, name }: Found): Promise<undefined> {
  const lock = await lockIn(held).catch(() => undefined);
  if (lock === undefined) return undefined;
  for (const one of await held.names())
    if (/^(copy\.lock|state\..*)$/.test(one.toString("latin1"))) await unlink(held.at(one));
  await rmdir(where.at(name)).catch(() => undefined);
  await lock.close();
  return undefined;
}

/** A filesystem without modes may give more than was asked for, as long as others cannot write. */
async function isFresh(held: HeldDirectory, own: number): Promise<boolean> {
  const { uid, mode } = await held.stats();
  return uid === own && (mode & 0o022) === 0 && (await held.names()).length === 0;
}

/** Absent if another call has taken it for one in which nothing was begun, and removed it. */
function lockFresh(held: HeldDirectory, shown: string): Promise<FileHandle | undefined> {
  return lockIn(held).catch(async (error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    await held[Symbol.asyncDispose]();
    throw error instanceof BackupError ? error : cannotWrite(`lock ${shown}`, error);
  });
}

async function hasTree(held: HeldDirectory): Promise<boolean> {
  return (await held.names()).some((name) => name.toString("latin1") === "tree");
}
