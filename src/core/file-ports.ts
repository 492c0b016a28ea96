/** What a file of a clone is. */
export type EntryKind =
  | "file"
  | "directory"
  | "link"
  | "pipe"
  | "socket"
  | "block device"
  | "character device";

/** One entry of a listing, as `ls -l` would show it. */
export interface FileEntry {
  /** With the replacement character where its bytes are no UTF-8. */
  readonly name: string;
  /** Its bytes in hexadecimal, where they are no UTF-8. */
  readonly bytes?: string;
  readonly kind: EntryKind;
  /** Permission bits, setuid and the like included. */
  readonly mode: number;
  /** Numbers of the clone's own users, which this host may call otherwise. */
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Absent where nobody has counted them. */
  readonly links?: number;
  readonly changed: Date;
  /** Where a link leads, as it is written. */
  readonly target?: string;
}

/** What to do with what is there already at the target. */
export type Existing = "refuse" | "keep" | "overwrite";

/** What is to be done with what lies at the paths. */
export type FilesAct =
  | { readonly kind: "file"; readonly to?: string; readonly existing: Existing }
  | { readonly kind: "ls" }
  /** `descriptor`: of this process, for the bytes. */
  | { readonly kind: "cat"; readonly descriptor: number };

export interface CopyOrder {
  /** The directory at which the clone is mounted. */
  readonly root: string;
  /** The path within the clone; links in it lead within the clone. */
  readonly path: string;
  /** The path that the copy gets: not a directory into which it is put. */
  readonly to: string;
  /** What the clone is of, so that a later call continues this copy and no other: point, snapshots, filesystem. */
  readonly identity: string;
  readonly existing: Existing;
}

/** Bytes of files' contents and numbers of entries, done and in all. */
export interface CopyProgress {
  readonly bytes: number;
  readonly ofBytes: number;
  readonly entries: number;
  readonly ofEntries: number;
}

export interface CopyResult {
  /** Where the copy is: `to` without links above it. */
  readonly to: string;
  readonly bytes: number;
  readonly entries: number;
  /** Whether it went on where an earlier call was interrupted. */
  readonly continued: boolean;
  /** Paths that were there already and were left as they are. */
  readonly kept: readonly string[];
  /** What is not as it was, in words. */
  readonly notes: readonly string[];
}

/** The files of a mounted clone. Every failure is a BackupError; `not-found` where there is nothing at the path. */
export interface CloneFiles {
  /** What lies at the path: the content of a directory, or the entry itself. Sorted by name. */
  list(root: string, path: string, signal: AbortSignal): Promise<readonly FileEntry[]>;
  /** Writes the content of a file to a descriptor of this process. A reader who goes away early is no failure. */
  cat(root: string, path: string, descriptor: number, signal: AbortSignal): Promise<void>;
  copy(order: CopyOrder, progress: (now: CopyProgress) => void, signal: AbortSignal): Promise<CopyResult>;
}
