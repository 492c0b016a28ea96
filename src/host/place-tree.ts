import { lstat } from "node:fs/promises";
import path from "node:path";
import type { CopyPlan } from "../core/copy-plan.ts";
import type { CopyOrder, CopyResult } from "../core/file-ports.ts";
import { told } from "./ask-program.ts";
import {
  type CopyManners,
  findStage,
  makeStage,
  removeStage,
  roomIn,
  type Stage,
  type Work,
} from "./copy-stage.ts";
import { givenDirectory, type HeldDirectory } from "./held-directory.ts";
import { holdPlace } from "./hold-place.ts";
import { letGo } from "./let-go.ts";
import { MergedDirectories } from "./merged-directories.ts";
import { settleEntry } from "./settle-tree.ts";
import { refuseConflicts, refuseLackOfSpace } from "./target-conflicts.ts";

/** Milliseconds in which a filesystem has its data on the disk. */
const syncPatience = 1_800_000;

/** A tree that is to come into place, wherever it comes from. */
export interface ComingTree extends Pick<Work, "plan" | "name" | "molds"> {
  readonly plan: CopyPlan;
  /** Is another one where the tree or the way to make it is another. */
  readonly digest: object;
  /** Refuses the place, for reasons of its own. */
  readonly refuse?: (place: string) => void;
  /** Makes it complete and durable in the stage, as `tree/<name>`, and notes there that it settles. */
  fill(work: Work, stage: Stage): Promise<void>;
}

/**
 * Brings a tree into place: into a directory of ours beside the target or in it, on whose filesystem it
 * is made complete and durable, and from there into place, entry by entry. An interrupted call is continued by the
 * same order; until the tree is complete nothing of it is seen.
 *
 * The target may belong to anybody: from the first look at it to the last change everything is reached by directories
 * that are held open, and no link in it is followed. Its owner can move things about meanwhile, and so hinder the copy or
 * have it in another directory of his; he cannot have anything written or given away where he could not himself.
 */
export async function placeTree(
  order: Omit<CopyOrder, "root">,
  { plan, name, digest, molds, refuse, fill }: ComingTree,
  signal: AbortSignal,
  manners: CopyManners,
): Promise<CopyResult> {
  return letGo(await holdPlace(order.to), async (place) => {
    refuse?.(place.path);
    const to = { of: order.identity, path: order.path, to: place.path, ...digest };
    const key = JSON.stringify(to);
    const work: Work = { order, plan, molds, name, place, key, manners };
    const notes: string[] = [];
    return letGo(await findStage(work, notes), async (old) => {
      if (old?.noted.settling !== true) await refuseConflicts(work);
      if (old === undefined) await refuseLackOfSpace(work);
      return letGo(old ?? (await makeStage(work)), async (stage) => {
        if (!stage.noted.settling) await fill(work, stage);
        const result = await settle(work, stage, notes, signal);
        return { ...result, continued: old !== undefined };
      });
    });
  });
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
      // All is in its place: whoever is told to stop now would leave a stage that nothing needs any more.
      await syncWith(stage.held);
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

/** Waits until its filesystem has its data on the disk. */
export async function syncWith({ descriptor }: HeldDirectory, signal?: AbortSignal): Promise<void> {
  const timeout = syncPatience;
  const words = ["--file-system", givenDirectory];
  await told("sync", words, { timeout, ...(signal && { signal }), descriptors: [descriptor] });
}
