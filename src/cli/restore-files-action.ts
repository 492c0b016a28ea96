import type { Existing } from "../core/file-ports.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { FindWish } from "../core/stored-find.ts";

interface Common {
  readonly query: PointQuery;
  /** Absolute, as it was called on the instance that was captured; or `dump/NAME`. */
  readonly path: string;
  /** Ids or devices of captured volumes. */
  readonly volumes: readonly string[];
  readonly filesystem?: string;
  /** Points of volumes are meant, also where a repository holds the path. */
  readonly ofVolumes?: true;
  /** Only the plan is shown. */
  readonly planned: boolean;
}

/** What is to be done with files of a point. */
export type RestoreFilesAction =
  | (Common & {
      readonly action: "file";
      /** Further paths. */
      readonly more?: readonly string[];
      readonly to?: string;
      readonly existing: Existing;
    })
  | (Common & { readonly action: "ls" | "cat" });

/** What is looked for in stored points. */
export type RestoreSearchAction =
  | {
      readonly action: "find";
      readonly query: PointQuery;
      readonly find: FindWish;
      /** In all points that are allowed, and not in the newest alone. */
      readonly every: boolean;
    }
  | {
      readonly action: "diff";
      readonly query: PointQuery;
      /** Ids of points, beginnings of ids, times, or `newest`. */
      readonly before: string;
      readonly after: string;
      readonly below?: string;
    };
