import { createHash } from "node:crypto";
import { lstat, mkdir, realpath } from "node:fs/promises";
import path from "node:path";
import type { CopyPlan } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { CopyOrder } from "../core/file-ports.ts";
import { cannotWrite, codeOf, readJson, replaceFile } from "./atomic-file.ts";
import { spaceAt } from "./free-space.ts";

/** Bytes and numbers of a batch; milliseconds without a byte after which a copy is given up. */
export interface CopyManners {
  readonly batch: { readonly bytes: number; readonly entries: number };
  readonly stall: number;
}

/** A copy and where it is made before it is put into place. */
export interface Work {
  readonly order: CopyOrder;
  readonly plan: CopyPlan;
  /** The directory that holds the tree in the clone, and the tree's name in it. */
  readonly base: string;
  readonly name: string;
  readonly to: string;
  readonly stage: string;
  readonly tree: string;
  readonly manners: CopyManners;
}

/** The target without links above it; its directory is made if it is not there. */
export async function targetOf(to: string): Promise<string> {
  const doing = `restore to ${to}`;
  if (!path.isAbsolute(to))
    throw new BackupError({ kind: "usage", doing, found: "the path is not absolute" });
  const whole = path.resolve(to);
  if (whole === "/")
    throw new BackupError({ kind: "usage", doing, found: "nothing can take the place of /" });
  try {
    await mkdir(path.dirname(whole), { recursive: true });
    return path.join(await realpath(path.dirname(whole)), path.basename(whole));
  } catch (error) {
    throw new BackupError(
      { kind: "cannot-write", doing, found: codeOf(error), code: codeOf(error) },
      { cause: error },
    );
  }
}

/** Within the target where that is a directory, which may be a filesystem of its own; else beside it. */
export async function stageOf({ identity, path: wanted, root }: CopyOrder, to: string): Promise<string> {
  const hash = createHash("sha256")
    .update(JSON.stringify([identity, wanted, to]))
    .digest("hex");
  const name = `.ec2-backup-restore-${hash.slice(0, 16)}`;
  const beside = path.join(path.dirname(to), name);
  const stats = await lstat(to).catch(() => undefined);
  if (to.startsWith(`${root}/`) || to === root)
    throw new BackupError({
      kind: "usage",
      doing: `restore to ${to}`,
      found: "it lies within the snapshot itself",
    });
  const isBegun = (await lstat(beside).catch(() => undefined)) !== undefined;
  return stats?.isDirectory() === true && !isBegun ? path.join(to, name) : beside;
}

export interface Noted {
  readonly batches: number;
  readonly settling: boolean;
}

/** How far an earlier call came with the same tree; a stage that is not ours is refused. */
export async function progressOf({ stage, plan }: Work): Promise<Noted | undefined> {
  const stats = await lstat(stage).catch(() => undefined);
  if (stats === undefined) return undefined;
  const own = await lstat("/proc/self");
  if (!stats.isDirectory() || stats.uid !== own.uid || (stats.mode & 0o077) !== 0)
    throw new BackupError({
      kind: "refused",
      doing: `continue the restore in ${stage}`,
      found: "others than this user could have written there",
      remedy: `look what it is, and remove it: rm -r ${stage}`,
    });
  const noted = (await readJson(path.join(stage, "state"))) as (Noted & { entries: number }) | undefined;
  const isSame = noted !== undefined && noted.entries === plan.entries && Number.isInteger(noted.batches);
  return isSame
    ? { batches: noted.batches, settling: noted.settling === true }
    : { batches: 0, settling: false };
}

export async function note({ stage, plan }: Work, batches: number, settling: boolean): Promise<void> {
  await replaceFile(path.join(stage, "state"), JSON.stringify({ batches, settling, entries: plan.entries }));
}

export async function refuseLackOfSpace({ to, plan }: Work): Promise<void> {
  const { bytes, at } = await spaceAt(path.dirname(to));
  const stats = await lstat(to).catch(() => undefined);
  const room = stats?.isDirectory() === true ? (await spaceAt(to)).bytes : bytes;
  if (room >= plan.bytes) return;
  const found = `it needs ${plan.bytes} bytes, and ${at} has ${room}`;
  throw new BackupError({
    kind: "cannot-write",
    doing: `restore to ${to}`,
    found,
    remedy: "free some space, or name another place by --to",
    code: "ENOSPC",
  });
}

export async function openStage({ stage, tree }: Work): Promise<void> {
  try {
    for (const one of [stage, tree])
      await mkdir(one, { mode: 0o700 }).catch((error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
      });
  } catch (error) {
    throw cannotWrite(`make ${stage}`, error);
  }
}
