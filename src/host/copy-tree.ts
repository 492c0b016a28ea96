import { link, rm, unlink } from "node:fs/promises";
import path from "node:path";
import { type CopyBatch, copyPlan } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { CopyOrder, CopyProgress, CopyResult } from "../core/file-ports.ts";
import { told } from "./ask-program.ts";
import { cannotWrite } from "./atomic-file.ts";
import {
  type CopyManners,
  note,
  openStage,
  progressOf,
  refuseLackOfSpace,
  stageOf,
  targetOf,
  type Work,
} from "./copy-stage.ts";
import { walkTree } from "./find-entries.ts";
import { insideClone } from "./inside-clone.ts";
import { fileLocks } from "./lock.ts";
import { HeldDirectory, type Settled, settleEntry } from "./settle-tree.ts";
import { tarBatch } from "./tar-batch.ts";
import { refuseConflicts } from "./target-conflicts.ts";

export const copyManners: CopyManners = {
  batch: { bytes: 256 * 1024 * 1024, entries: 20_000 },
  stall: 600_000,
};

/** Milliseconds in which a filesystem has its data on the disk. */
const syncPatience = 1_800_000;

/**
 * Copies a file or a tree out of a clone: into a directory of ours beside the target, on whose filesystem it is
 * made complete and durable, and from there into place, entry by entry. An interrupted copy is continued by the
 * same order; until it is complete nothing of it is seen.
 */
export async function copyTree(
  order: CopyOrder,
  progress: (now: CopyProgress) => void,
  signal: AbortSignal,
  manners: CopyManners = copyManners,
): Promise<CopyResult> {
  const { at } = await insideClone(order.root, order.path, { follow: order.path.endsWith("/") }, signal);
  const [base, name] = [path.dirname(at), path.basename(at)];
  const plan = copyPlan(await walkTree(base, name, signal), manners.batch);
  const to = await targetOf(order.to);
  const stage = await stageOf(order, to);
  const work: Work = { order, plan, base, name, to, stage, tree: path.join(stage, "tree"), manners };
  const old = await progressOf(work);
  if (old?.settling !== true) await refuseConflicts(plan, name, to, order.existing);
  if (old === undefined) await refuseLackOfSpace(work);
  await openStage(work);
  const lock = await fileLocks(stage).take("copy", "another restore of the same");
  if ("heldBy" in lock)
    throw new BackupError({ kind: "locked", doing: `copy to ${to}`, found: `${lock.heldBy} is at work` });
  try {
    if (old?.settling !== true) await fill(work, old?.batches ?? 0, progress, signal);
    const result = await settle(work, signal);
    return { ...result, continued: old !== undefined };
  } finally {
    await lock.release();
  }
}

/** Makes the whole tree in the stage. Directories come first, to be there, and last, for their times. */
async function fill(
  work: Work,
  done: number,
  progress: (now: CopyProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const { plan, base, tree, manners } = work;
  const copy = (paths: readonly string[], passed: (bytes: number) => void): Promise<void> =>
    tarBatch({ from: base, to: tree, paths, stall: manners.stall }, passed, signal);
  const directories = plan.directories.map((one) => one.path);
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
    await syncTo(tree, signal);
    await note(work, done + index + 1, false);
    tell(0);
  }
  await copy(directories, () => undefined);
  entries = plan.entries;
  await syncTo(tree, signal);
  await note(work, plan.batches.length, true);
  tell(0);
}

async function linkAll(tree: string, { links }: CopyBatch): Promise<void> {
  const at = (one: string): Buffer => Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(one, "latin1")]);
  for (const { path: other, first } of links) {
    await unlink(at(other)).catch(() => undefined);
    await link(at(first), at(other)).catch((error: unknown) => {
      throw cannotWrite(`link ${other} to ${first}`, error);
    });
  }
}

async function settle(work: Work, signal: AbortSignal): Promise<Omit<CopyResult, "continued">> {
  const { plan, order, name, to, tree, stage } = work;
  const result: Settled = { kept: [], merged: [] };
  {
    await using from = await HeldDirectory.open(tree);
    await using target = await HeldDirectory.open(path.dirname(to));
    const bytes = Buffer.from(name, "utf8");
    const left = (await from.names()).some((one) => one.equals(bytes));
    const move = {
      from,
      name: bytes,
      to: target,
      as: Buffer.from(path.basename(to)),
      path: bytes.toString("latin1"),
    };
    if (left) await settleEntry(move, order.existing, result);
  }
  const notes: string[] = [];
  if (result.merged.length > 0 && order.existing === "overwrite")
    await restoreDirectories(work, result.merged, signal);
  else if (result.merged.length > 0)
    notes.push(
      `${result.merged.length} directories were there already and keep their own owner, mode and times`,
    );
  await syncTo(path.dirname(to), signal);
  await rm(stage, { recursive: true, force: true });
  // The stage was within it.
  if (stage.startsWith(`${to}/`) && order.existing === "overwrite")
    await restoreDirectories(work, [topOf(work)], signal);
  if (plan.sockets.length > 0)
    notes.push(`${plan.sockets.length} sockets are left out: the programs that listen on them make them`);
  const kept = result.kept.map((one) => Buffer.from(one, "latin1").toString("utf8"));
  return { to, bytes: plan.bytes, entries: plan.entries, kept, notes };
}

/** With `overwrite` directories that were there become what they were in the clone, too. */
async function restoreDirectories(
  { base, name, to, manners }: Work,
  merged: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const top = topOf({ name });
  const below = merged.map((one) => (one === top ? "." : `.${one.slice(top.length)}`));
  await tarBatch(
    { from: path.join(base, name), to, paths: below, stall: manners.stall },
    () => undefined,
    signal,
  );
}

function topOf({ name }: Pick<Work, "name">): string {
  return Buffer.from(name, "utf8").toString("latin1");
}

async function syncTo(place: string, signal: AbortSignal): Promise<void> {
  await told("sync", ["--file-system", place], { timeout: syncPatience, signal });
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
