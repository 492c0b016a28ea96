import { chooseFilesystem, inWords } from "../core/choose-filesystem.ts";
import { BackupError } from "../core/errors.ts";
import type { CloneFiles, CopyOrder, CopyProgress, CopyResult, FileEntry } from "../core/file-ports.ts";
import { sourceOf } from "../core/file-target.ts";
import type { Clock } from "../core/ports.ts";
import { rateOf, type Sample, withSample } from "../core/rate.ts";
import type { FoundFilesystem, HostDisks } from "../core/restore-ports.ts";

/** What reading files of restored disks needs of the world. */
export interface FileDeps {
  readonly disks: HostDisks;
  readonly files: CloneFiles;
  readonly clock: Clock;
}

/** Where on restored disks a file is looked for. */
export interface FileQuery {
  /** The disks of the point's clones, all that its filesystems may span. */
  readonly disks: readonly string[];
  /** Label, UUID, path or partition number of the filesystem; without it every one is looked at. */
  readonly filesystem?: string;
  /** The path as it may be called within the filesystem, the likeliest first: `/srv/data/x`, then `/data/x`. */
  readonly paths: readonly string[];
  /** A directory of ours, below which filesystems are mounted meanwhile. */
  readonly where: string;
}

/** Where it was found. */
export interface FoundFile {
  readonly root: string;
  readonly path: string;
  readonly filesystem: FoundFilesystem;
  readonly notes: readonly string[];
}

/** With bytes a second, as soon as that can be told. */
export interface RatedProgress extends CopyProgress {
  readonly rate?: number;
}

/**
 * Mounts what is on the disks, finds the file, has something done with it and lets go of everything, whatever
 * happens: the disks can be detached afterwards. They must have been made for this, since journals are replayed
 * and clones of what is here get UUIDs of their own.
 */
export async function withFile<T>(
  query: FileQuery,
  deps: FileDeps,
  signal: AbortSignal,
  use: (found: FoundFile) => Promise<T>,
): Promise<T> {
  let outcome: { readonly value: T } | { readonly error: unknown };
  try {
    outcome = { value: await use(await findFile(query, deps, signal)) };
  } catch (error) {
    outcome = { error };
  }
  const failure = await letGo(query, deps);
  // What went wrong first is what matters; what is left is found by the next start.
  if ("error" in outcome) throw outcome.error;
  if (failure !== undefined) throw failure;
  return outcome.value;
}

/** What lies at the path: the content of a directory, or the entry itself. */
export function listFiles(
  query: FileQuery,
  deps: FileDeps,
  signal: AbortSignal,
): Promise<readonly FileEntry[]> {
  return withFile(query, deps, signal, ({ root, path }) => deps.files.list(root, path, signal));
}

/** Writes a file's content to a descriptor of this process. */
export function catFile(
  query: FileQuery,
  descriptor: number,
  deps: FileDeps,
  signal: AbortSignal,
): Promise<void> {
  return withFile(query, deps, signal, ({ root, path }) => deps.files.cat(root, path, descriptor, signal));
}

/** Copies a file or a tree to a place of this host. */
export function restoreFile(
  query: FileQuery,
  order: Pick<CopyOrder, "to" | "identity" | "existing">,
  progress: (now: RatedProgress) => void,
  deps: FileDeps,
  signal: AbortSignal,
): Promise<CopyResult> {
  return withFile(query, deps, signal, async ({ root, path, filesystem, notes }) => {
    const identity = sourceOf(order.identity, [], filesystem);
    const result = await deps.files.copy(
      { ...order, identity, root, path },
      rated(progress, deps.clock),
      signal,
    );
    return { ...result, notes: [...notes, ...result.notes] };
  });
}

async function findFile(query: FileQuery, deps: FileDeps, signal: AbortSignal): Promise<FoundFile> {
  const { disks, files } = deps;
  const doing = `find ${query.paths[0] ?? "the file"} in the snapshot`;
  const notes = await disks.separate(query.disks, signal);
  const choice = chooseFilesystem(await disks.filesystems(query.disks, signal), query.filesystem);
  if ("found" in choice) throw new BackupError({ kind: "refused", doing, ...choice });
  const { candidates } = choice;
  const hits: FoundFile[] = [];
  const troubles: BackupError[] = [];
  for (const [index, filesystem] of candidates.entries()) {
    const where = `${query.where}/${index}`;
    try {
      const mounted = await disks.mount(filesystem, where, { writable: false, replay: true }, signal);
      const path = await firstThere(mounted.where, query.paths, files, signal);
      if (path !== undefined)
        hits.push({ root: mounted.where, path, filesystem, notes: [...notes, ...mounted.notes] });
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind === "interrupted" || candidates.length === 1)
        throw error;
      troubles.push(error);
    }
  }
  // Where the likeliest name leads to something, a less likely one on another filesystem is chance.
  const best = Math.min(...hits.map(({ path }) => query.paths.indexOf(path)));
  const [hit, ...more] = hits.filter(({ path }) => query.paths.indexOf(path) === best);
  if (hit !== undefined && more.length === 0) return hit;
  const all = (hit === undefined ? candidates : [hit, ...more].map((one) => one.filesystem))
    .map(inWords)
    .join(", ");
  if (hit !== undefined)
    throw new BackupError({
      kind: "usage",
      doing,
      found: `it is on several filesystems: ${all}`,
      remedy: "name one by --filesystem",
    });
  const unread = troubles.map((one) => `; ${one.message}`).join("");
  throw new BackupError({
    kind: "not-found",
    doing,
    found: `it is not on ${all}${unread}`,
    remedy: "restore ls / shows what is there",
  });
}

async function firstThere(
  root: string,
  paths: readonly string[],
  { list }: CloneFiles,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await list(root, path, signal);
      return path;
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind !== "not-found") throw error;
    }
  }
  return undefined;
}

/** Never cut short: a disk that is still in use cannot be detached. Its programs have deadlines of their own. */
async function letGo({ disks: paths }: FileQuery, { disks }: FileDeps): Promise<unknown> {
  const failures: unknown[] = [];
  for (const disk of paths)
    await disks.release(disk, new AbortController().signal).catch((error: unknown) => failures.push(error));
  return failures[0];
}

function rated(progress: (now: RatedProgress) => void, clock: Clock): (now: CopyProgress) => void {
  let samples: readonly Sample[] = [];
  return (now) => {
    samples = withSample(samples, { at: clock.elapsed(), bytes: now.bytes });
    const rate = rateOf(samples);
    progress({ ...now, ...(rate === undefined ? {} : { rate }) });
  };
}
