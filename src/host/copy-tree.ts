import { link, unlink } from "node:fs/promises";
import path from "node:path";
import { type CopyBatch, copyPlan } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { CopyOrder, CopyProgress, CopyResult } from "../core/file-ports.ts";
import { cannotWrite } from "./atomic-file.ts";
import { type CopyManners, roomIn, type Stage, type Work } from "./copy-stage.ts";
import { walkTree } from "./find-entries.ts";
import type { HeldDirectory } from "./held-directory.ts";
import { insideClone } from "./inside-clone.ts";
import { letGo } from "./let-go.ts";
import { placeTree, syncWith } from "./place-tree.ts";
import { note } from "./stage-state.ts";
import { tarBatch } from "./tar-batch.ts";

export const copyManners: CopyManners = {
  batch: { bytes: 256 * 1024 * 1024, entries: 20_000 },
  stall: 600_000,
};

/** Copies a file or a tree out of a clone and into place. */
export async function copyTree(
  order: CopyOrder,
  progress: (now: CopyProgress) => void,
  signal: AbortSignal,
  manners: CopyManners = copyManners,
): Promise<CopyResult> {
  const { at } = await insideClone(order.root, order.path, { follow: order.path.endsWith("/") }, signal);
  const [base, name] = [path.dirname(at), path.basename(at)];
  const { entries, digest } = await walkTree(base, name, signal);
  const coming = {
    plan: copyPlan(entries, manners.batch),
    name,
    digest: { tree: digest, batch: manners.batch },
    molds: () => Promise.resolve(base),
    refuse: (place: string) => refuseWithin(order.root, place),
    fill: (work: Work, stage: Stage) => fill(base, work, stage, progress, signal),
  };
  return placeTree(order, coming, signal, manners);
}

function refuseWithin(root: string, to: string): void {
  if (!to.startsWith(`${root}/`) && to !== root) return;
  const found = "it lies within the snapshot itself";
  throw new BackupError({ kind: "usage", doing: `restore to ${to}`, found });
}

async function fill(
  base: string,
  work: Work,
  stage: Stage,
  progress: (now: CopyProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  await letGo(await roomIn(stage, "tree"), (tree) => fillTree(tree, base, work, stage, progress, signal));
}

/** Makes the whole tree in the stage. Directories come first, to be there, and last, for their times. */
async function fillTree(
  tree: HeldDirectory,
  base: string,
  { plan, key, manners }: Work,
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

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
