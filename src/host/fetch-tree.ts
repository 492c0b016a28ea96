import { chmod, readlink, rename } from "node:fs/promises";
import { copyPlan, type TreeEntry } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { CopyOrder, CopyResult } from "../core/file-ports.ts";
import type { StoredEntry } from "../core/store-ports.ts";
import { askProgram, told } from "./ask-program.ts";
import { removeStage, roomIn, type Stage, type Work } from "./copy-stage.ts";
import { copyManners } from "./copy-tree.ts";
import { digHoles } from "./dig-holes.ts";
import { walkTree } from "./find-entries.ts";
import { givenDirectory, HeldDirectory } from "./held-directory.ts";
import { letGo } from "./let-go.ts";
import { placeTree, syncWith } from "./place-tree.ts";
import { note } from "./stage-state.ts";
import { tarBatch } from "./tar-batch.ts";

/** What is brought from a repository, and where it goes. */
export interface FetchOrder extends Omit<CopyOrder, "root"> {
  /** What was listed at the path and below it, with paths from the top of the snapshot. */
  readonly entries: readonly StoredEntry[];
  /** Whether nobody but this user may read the file: it is no file of the system, and its owner is unknown. */
  readonly confined: boolean;
  /** Has the entry made below a directory of ours, under its whole path. */
  readonly fetch: (target: string) => Promise<Fetched>;
}

/** What is not as it was, in words, and whether zeros were written where holes may have been. */
export interface Fetched {
  readonly notes: readonly string[];
  readonly fillsHoles: boolean;
}

/** Milliseconds for a look through what has come. */
const patience = 3_600_000;
const mostLooked = 1024 * 1024 * 1024;

/** Brings a file or a tree out of a repository into place, by the same rules as out of a clone. */
export async function fetchTree(order: FetchOrder, signal: AbortSignal): Promise<CopyResult> {
  const name = order.path.slice(order.path.lastIndexOf("/") + 1);
  const tree = order.entries.map((entry) => treeEntry(entry, order.path, name));
  const notes: string[] = [];
  const coming = {
    plan: copyPlan(tree, { bytes: Number.POSITIVE_INFINITY, entries: Number.POSITIVE_INFINITY }),
    name,
    digest: {},
    molds: async ({ held }: Stage) => `${await ours(held)}/molds`,
    fill: async (work: Work, stage: Stage) => {
      notes.push(...(await fill(order, work, stage, signal)));
    },
  };
  const result = await placeTree(order, coming, signal, copyManners);
  return { ...result, notes: [...notes, ...result.notes] };
}

const kinds: Readonly<Record<StoredEntry["type"], string>> = {
  file: "f",
  dir: "d",
  symlink: "l",
  fifo: "p",
  socket: "s",
  dev: "b",
  chardev: "c",
  irregular: "s",
};

function treeEntry({ path, type, size = 0 }: StoredEntry, top: string, name: string): TreeEntry {
  const bytes = Buffer.from(`${name}${path.slice(top.length)}`, "utf8").toString("latin1");
  return { path: bytes, kind: kinds[type], bytes: type === "file" ? size : 0 };
}

/** How programs of this host reach a directory that is held: whatever becomes of its path, it is this one. */
async function ours({ descriptor }: HeldDirectory): Promise<string> {
  return `/proc/${await readlink("/proc/self")}/fd/${descriptor}`;
}

async function fill(
  order: FetchOrder,
  work: Work,
  stage: Stage,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    await clear(stage);
    const { notes, fillsHoles } = await letGo(await roomIn(stage, "fetched"), async (fetched) => {
      // By the stage's descriptor: restic makes what it is to restore to, and may look where that leads.
      const said = await order.fetch(`${await ours(stage.held)}/fetched`);
      await refuseLess(order, fetched, signal);
      await letGo(await roomIn(stage, "tree"), (tree) => take(order, work.name, fetched, tree));
      return said;
    });
    await letGo(await roomIn(stage, "tree"), async (tree) => {
      if (fillsHoles) await digHoles(await ours(tree), signal);
      if (work.place.top !== undefined && order.existing === "overwrite")
        await keepMolds(work.name, stage, tree, signal);
      await syncWith(tree, signal);
    });
    await note(stage.held, work.key, { batches: 0, settling: true });
    return notes;
  } catch (error) {
    // Nothing of it can be gone on with, and it may take much room.
    await clear(stage)
      .then(() => removeStage(stage))
      .catch(() => undefined);
    throw error;
  }
}

/** What an earlier call has left is not trusted to be whole. */
async function clear({ held }: Stage): Promise<void> {
  const words = ["fetched", "tree", "molds"].map((room) => `${givenDirectory}/${room}`);
  await told("rm", ["--recursive", "--force", "--", ...words], {
    timeout: patience,
    descriptors: [held.descriptor],
  });
}

/** A program that has been told to bring all and ended well may still have brought less. */
async function refuseLess(
  { path, entries }: FetchOrder,
  fetched: HeldDirectory,
  signal: AbortSignal,
): Promise<void> {
  const at = `${await ours(fetched)}${path}`;
  const answer = await askProgram("find", ["-P", at, "-printf", "%y\\0%s\\0"], {
    timeout: patience,
    signal,
    most: mostLooked,
  });
  const fields = answer.code === 0 ? answer.stdout.toString("latin1").split("\0") : [];
  let [files, bytes, others] = [0, 0, 0];
  for (let from = 0; from + 1 < fields.length; from += 2) {
    if (fields[from] === "f") {
      files += 1;
      bytes += Number(fields[from + 1]);
    } else if (fields[from] !== "s") others += 1;
  }
  const listed = entries.filter(({ type }) => type === "file");
  const wanted = {
    files: listed.length,
    bytes: listed.reduce((sum, { size = 0 }) => sum + size, 0),
    others: entries.filter(({ type }) => !["file", "socket", "irregular"].includes(type)).length,
  };
  if (files === wanted.files && bytes === wanted.bytes && others === wanted.others) return;
  throw new BackupError({
    kind: "unexpected",
    doing: `restore ${path}`,
    found: `${files} files of ${bytes} bytes and ${others} other entries came; it has ${wanted.files} of ${wanted.bytes} and ${wanted.others}`,
    remedy: "nothing has been put into place; check the repository",
  });
}

/** Takes the entry out of the directories that led to it in the snapshot. */
async function take(
  { path, confined }: FetchOrder,
  name: string,
  fetched: HeldDirectory,
  tree: HeldDirectory,
): Promise<void> {
  const parents = path.split("/").slice(1, -1);
  let at = await HeldDirectory.open(fetched.pathOf("."));
  try {
    for (const parent of parents) {
      const next = await at.inside(parent);
      await at[Symbol.asyncDispose]();
      at = next;
    }
    const bytes = Buffer.from(name, "utf8");
    if (confined) await chmod(at.at(bytes), 0o600);
    await rename(at.at(bytes), tree.at(bytes));
  } finally {
    await at[Symbol.asyncDispose]();
  }
}

/** Directories lose their times when what is in them is moved: so they are copied before. */
async function keepMolds(
  name: string,
  stage: Stage,
  tree: HeldDirectory,
  signal: AbortSignal,
): Promise<void> {
  const from = await ours(tree);
  const { entries } = await walkTree(from, name, signal);
  const paths = entries.filter(({ kind }) => kind === "d").map(({ path }) => path);
  await letGo(await roomIn(stage, "molds"), (to) =>
    tarBatch({ from, to, shown: stage.shown, paths, stall: copyManners.stall }, () => undefined, signal),
  );
}
