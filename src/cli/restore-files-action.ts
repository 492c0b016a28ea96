import type { Existing } from "../core/file-ports.ts";
import type { PointQuery } from "../core/restore-query.ts";

interface Common {
  readonly query: PointQuery;
  /** Absolute, as it was called on the instance that was captured. */
  readonly path: string;
  /** Ids or devices of captured volumes. */
  readonly volumes: readonly string[];
  readonly filesystem?: string;
  /** Only the plan is shown. */
  readonly planned: boolean;
}

/** What is to be done with files of a point. */
export type RestoreFilesAction =
  | (Common & { readonly action: "file"; readonly to?: string; readonly existing: Existing })
  | (Common & { readonly action: "ls" | "cat" });
