import { BackupError } from "../core/errors.ts";
import type { CloneFiles } from "../core/file-ports.ts";
import type { PathAttempt } from "../core/path-volumes.ts";
import type { RestorePlan } from "../core/restore-plan.ts";
import type { RestoreDeps } from "./restore-deps.ts";
import { type FoundFile, withFile } from "./restore-file.ts";
import { withTemporaryVolumes } from "./temporary-volumes.ts";

/** One way to a path: volumes on which it may lie, and the plan that makes them. */
export interface Way extends PathAttempt {
  readonly plan: RestorePlan;
}

/** What is looked for, and where. */
export interface LookOrder {
  readonly path: string;
  /** Tried one after the other, while the path is not found. */
  readonly ways: readonly Way[];
  /** Label, UUID, path or partition number of the filesystem. */
  readonly filesystem?: string;
  /** A directory of ours, below which filesystems are mounted meanwhile. */
  readonly where: string;
  /** Milliseconds for which a copy may be needed. */
  readonly lifetime: number;
}

/** What came of it. */
export interface Looked<T> {
  readonly value: T;
  readonly way: Way;
  readonly found: FoundFile;
  /** What could not be cleaned up, as a sentence. */
  readonly left?: string;
}

/** Makes copies of the volumes that a path may lie on, has something done with it and removes them, always. */
export async function lookInto<T>(
  order: LookOrder,
  deps: RestoreDeps,
  files: CloneFiles,
  signal: AbortSignal,
  use: (found: FoundFile, way: Way) => Promise<T>,
): Promise<Looked<T>> {
  const { path, ways, filesystem, where, lifetime } = order;
  const doing = `find ${path} in the point`;
  for (const [index, way] of ways.entries()) {
    const about = way.volumes.join(", ");
    deps.log("info", `copying ${about} to look for ${path}: ${way.because}`);
    let done: Looked<T> | undefined;
    try {
      await withTemporaryVolumes({ plan: way.plan, lifetime }, deps, signal, async (disks) => {
        deps.progress({
          percent: 0,
          doing: `looking for the path on ${disks.size === 1 ? "the copy" : "the copies"}`,
        });
        const query = {
          disks: [...disks.keys()],
          paths: way.paths,
          where,
          ...(filesystem === undefined ? {} : { filesystem }),
        };
        await withFile(query, { ...deps, files }, signal, async (found) => {
          done = { value: await use(found, way), way, found };
        });
      });
      if (done !== undefined) return done;
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      // What was wanted is done; what is left is told beside it.
      if (done !== undefined) return { ...(done as Looked<T>), left: error.message };
      if (error.kind !== "not-found" || index === ways.length - 1) throw error;
      deps.log("info", error.message);
    }
  }
  throw new BackupError({ kind: "not-found", doing, found: "the point holds no volume" });
}
