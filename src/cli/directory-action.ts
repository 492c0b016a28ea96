import type { DirectoryOrder } from "../core/directory.ts";

/** Where the instance is, or shall be, that has the disk. */
export interface DirectoryPlace {
  readonly region?: string;
  readonly zone?: string;
  /** An instance is started though this is one. */
  readonly elsewhere: boolean;
  /** A CIDR: who may reach the instance that is started. */
  readonly from?: string;
}

/** What is to be done with directories on volumes. */
export type DirectoryAction = DirectoryPlace &
  (
    | {
        readonly action: "copy";
        readonly order: DirectoryOrder;
        readonly volume?: string;
        readonly force: boolean;
        readonly dryRun: boolean;
      }
    | { readonly action: "clean-up"; readonly dryRun: boolean }
  );

/** A directory that is to be brought back. */
export type RestoreDirectoryAction = DirectoryPlace & {
  readonly action: "directory";
  readonly volume: string;
  readonly to: string;
  readonly local?: string;
  readonly remote?: string;
  readonly force: boolean;
  readonly dryRun: boolean;
};
