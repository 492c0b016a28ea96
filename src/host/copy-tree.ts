import { link, lstat, unlink } from "node:fs/promises";
import path from "node:path";
import { type CopyBatch, copyPlan } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { CopyOrder, CopyProgress, CopyResult } from "../core/file-ports.ts";
import { told } from "./ask-program.ts";
import { cannotWrite } from "./atomic-file.ts";
import {
  type CopyManners,
  findStage,
  makeStage,
  removeStage,
  roomIn,
  type Stage,
  type Work,
} from "./copy-stage.ts";
import { walkTree } from "./find-entries.ts";
import { givenDirectory, type HeldDirectory } from "./held-directory.ts";
import { holdPlace } from "./hold-place.ts";
import { insideClone } from "./inside-clone.ts";
import { letGo } from "./let-go.ts";
import { MergedDirectories } from "./merged-directories.ts";
import { settleEntry } from "./settle-tree.ts";
import { note } from "./stage-state.ts";
import { tarBatch } from "./tar-batch.ts";
import { refuseConflicts, refuseLackOfSpace } from "./target-conflicts.ts";

export const copyManners: CopyManners = {
  batch: { bytes: 256 * 1024 * 1024, entries: 20_000 },
  stall: 600_000,
};

/** Milliseconds in which a filesystem has its data on the disk. */
const syncPatience = 1_800_000;

/**
 * Copies a file or a tree out of a clone: into a directory of ours beside the target or in it, on whose filesystem it
 * is made complete and durable, and from there into place, entry by entry. An interrupted copy is continued by the
 * same order; until it is complete nothing of it is seen.
 *
 * The target may belong to anybody: from the first look at it to the last change everything is reached by directories
 * that are held open, and no link in it is followed. Its owner can move things about meanwhile, and so hinder the copy or
 * have it in another directory of his; he cannot have anything written or given away where he could not himself.
 */
export async function copyTree(
  order: CopyOrder,
  progress: (now: CopyProgress) => void,
  signal: AbortSignal,
  manners: CopyManners = copyManners,
): Promise<CopyResult> {
  const { at } = await insideClone(order.root, order.path, { follow: order.path.endsWith("/") }, signal);
  const [base, name] = [path.dirname(at), path.basename(at)];
  const { entries, digest } = await walkTree(base, name, signal);
  const plan = copyPlan(entries, manners.batch);
  return letGo(await holdPlace(order.to), async (place) => {
    refuseWithin(order.root, place.path);
    const to = { of: order.identity, path: order.path, to: place.path, tree: digest, batch: manners.batch };
    const key = JSON.stringify(to);
    const work: Work = { order, plan, base, name, place, key, manners };
    const notes: string[] = [];
    return letGo(await findStage(work, notes), async (old) => {
      if (old?.noted.settling !== true) await refuseConflicts(work);
      if (old === undefined) await refuseLackOfSpace(work);
      return letGo(old ?? (await makeStage(work)), async (stage) => {
        if (!stage.noted.settling) await fill(work, stage, progress, signal);
        const result = await settle(work, stage, notes, signal);
        return { ...result, continued: old !== undefined };
      });
    });
  });
}

function refuseWithin(root: string, to: string): void {
  if (!to.startsWith(`${root}/`) && to !== root) return;
  const found = "it lies within the snapshot itself";
  throw new BackupError({ kind: "usage", doing: `restore to ${to}`, found });
}

async function fill(
  work: Work,
  stage: Stage,
  progress: (now: CopyProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  await letGo(await roomIn(stage, "tree"), (tree) => fillTree(tree, work, stage, progress, signal));
}

/** Makes the whole tree in the stage. Directories come first, to be there, and last, for their times. */
async function fillTree(
  tree: HeldDirectory,
  { plan, base, key, manners }: Work,
  stage: Stage,
  progress: (now: CopyProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { stall } = manners;
  const copy = (paths: readonly string[], passed: (bytes: number) => void): Promise<void> =>
    tarBatch({ from: base, to: tree, shown: stage.shown, paths, stall }, passed, signal);
  const directories = plan.directories.map((one) => one.path);
  const done = stage.noted.batches;
  const before = plan.batches.slice(0, done);
  let [bytes, entries] = [
    sum(before, (one) => one.bytes),
    sum(before, (one) => one.entries.length + one.links.length),
  ];
  const tell = (more: number): void =>
    progress({ bytes: bytes + more, ofBytes: plan.bytes, entries, ofEntries: plan.entries });
  tell(0);
  await copy(directories, () => undefined);
  for (const [index, batch] of plan.batches.slice(done).entries()) {
    let passed = 0;
    await copy(
      batch.entries.map((one) => one.path),
      (count) => {
        passed += count;
        tell(Math.min(passed, batch.bytes));
      },
    );
    await linkAll(tree, batch);
    bytes += batch.bytes;
    entries += batch.entries.length + batch.links.length;
    await syncWith(tree, signal);
    await note(stage.held, key, { batches: done + index + 1, settling: false });
    tell(0);
  }
  await copy(directories, () => undefined);
  entries = plan.entries;
  await syncWith(tree, signal);
  await note(stage.held, key, { batches: plan.batches.length, settling: true });
  tell(0);
}

async function linkAll(tree: HeldDirectory, { links }: CopyBatch): Promise<void> {
  const at = (one: string): Buffer => tree.at(Buffer.from(one, "latin1"));
  for (const { path: other, first } of links) {
    await unlink(at(other)).catch(() => undefined);
    await link(at(first), at(other)).catch((error: unknown) => {
      throw cannotWrite(`link ${other} to ${first}`, error);
    });
  }
}

async function settle(
  work: Work,
  stage: Stage,
  notes: string[],
  signal: AbortSignal,
): Promise<Omit<CopyResult, "continued">> {
  const { plan, order, name, place } = work;
  const bytes = Buffer.from(name, "utf8");
  const path = bytes.toString("latin1");
  const kept: string[] = [];
  // Whoever gets it closes it.
  return letGo(await place.top?.inside("."), (into) =>
    letGo(new MergedDirectories(work, stage, signal), async (merged) => {
      await letGo(await roomIn(stage, "tree"), async (from) => {
        const left = (await from.names()).some((one) => one.equals(bytes));
        const held = into === undefined ? {} : { into };
        const move = { from, name: bytes, to: place.parent, as: place.name, path, ...held };
        if (left) await settleEntry(move, { existing: order.existing, kept, merged });
      });
      const finishTop = await merged.finish();
      await syncWith(stage.held, signal);
      const moved = await removeStage(stage);
      // The stage may have been in it, and its times have changed.
      await finishTop();
      notes.push(...merged.notes, ...(moved === undefined ? [] : [moved]));
      if (plan.sockets.length > 0)
        notes.push(`${plan.sockets.length} sockets are left out: the programs that listen on them make them`);
      notes.push(...(await toldIfElsewhere(work)));
      return {
        to: place.path,
        bytes: plan.bytes,
        entries: plan.entries,
        kept: kept.map((one) => Buffer.from(one, "latin1").toString("utf8")),
        notes,
      };
    }),
  );
}

/** Whether the copy is where its path leads by now: the directory that was held may have been moved. */
async function toldIfElsewhere({ place }: Work): Promise<readonly string[]> {
  const { top } = place;
  const [held, at] = top === undefined ? [place.parent, path.dirname(place.path)] : [top, place.path];
  const [ours, theirs] = [await held.stats(), await lstat(at).catch(() => undefined)];
  if (theirs?.dev === ours.dev && theirs.ino === ours.ino) return [];
  return [`somebody has moved ${at} away meanwhile: the copy is in ${await held.pathNow()}`];
}

async function syncWith({ descriptor }: HeldDirectory, signal: AbortSignal): Promise<void> {
  const timeout = syncPatience;
  await told("sync", ["--file-system", givenDirectory], { timeout, signal, descriptors: [descriptor] });
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
