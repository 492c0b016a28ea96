import type { DumpConfig } from "./dump-config.ts";
import type { CountedRule } from "./retention-policy.ts";

/** What of a job goes into repositories, beside or instead of snapshots of its volumes. */
export interface StoredWish {
  readonly files?: FilesWish;
  /** In the order in which they are made. */
  readonly dumps: readonly DumpConfig[];
  /** Whether the job takes volumes as well. */
  readonly volumes: boolean;
}

/** The files of a job; what is absent is off. */
export interface FilesWish {
  /** The name of a repository. */
  readonly repository: string;
  /** Absolute. */
  readonly paths: readonly string[];
  /** Patterns in restic's own words. */
  readonly exclude?: readonly string[];
  readonly excludeFile?: string;
  readonly oneFileSystem?: boolean;
  readonly excludeCaches?: boolean;
  /** Tags of the user beside our own. */
  readonly tags?: readonly string[];
}

/** A repository as the file has it; what is absent is as repositoryDefaults say. Durations in milliseconds. */
export interface WrittenRepository {
  readonly url: string;
  readonly passwordFile?: string;
  readonly passwordCommand?: readonly string[];
  readonly cacert?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly environmentFile?: string;
  readonly restic?: string;
  readonly appendOnly?: boolean;
  readonly timezone?: string;
  readonly lockWait?: number;
  readonly idleTimeout?: number;
  readonly deadline?: number;
  readonly prune?: { readonly schedule: string };
  readonly check?: { readonly schedule: string; readonly subset?: string };
  readonly mirror?: {
    readonly to: string;
    readonly schedule?: string;
    readonly retention?: WrittenRetention;
    readonly hosts?: "own" | "all";
  };
}

/** Rules of retention as a file has them; `within` in milliseconds. */
export type WrittenRetention = Readonly<Partial<Record<CountedRule, number>>> & { readonly within?: number };
