import type { Failure } from "./errors.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import type {
  CheckResult,
  Forgotten,
  StoreClock,
  StoreFacts,
  StoreLock,
  Unreadable,
} from "./store-answers.ts";

/** Where a password comes from, a file or the words of a program that prints it; never an argument of a process. */
export type PasswordSource = { readonly file: string } | { readonly command: readonly string[] };

/** A restic repository as the configuration names it. Durations are in milliseconds. */
export interface RepositoryConfig {
  readonly name: string;
  /** In restic's own words: a path, `sftp:user@host:/path`, `s3:https://…`, `rest:https://…`. */
  readonly url: string;
  readonly password: PasswordSource;
  /** A file of certificates that sign the server's. */
  readonly cacert?: string;
  /** restic's extended options, such as `sftp.command`. */
  readonly options: Readonly<Record<string, string>>;
  /** A file of `KEY=value` lines for restic's environment; refused where others can read it. */
  readonly environmentFile?: string;
  /** The path of restic; absent = the one in the PATH. */
  readonly program?: string;
  /** True: this host never forgets or prunes there. */
  readonly appendOnly: boolean;
  /** How long a lock of somebody else is waited for. */
  readonly lockWait: number;
  /** How long restic may say nothing and move nothing. */
  readonly idleTimeout: number;
  /** The longest that one process of restic may take. */
  readonly deadline: number;
  /** The IANA time zone of its schedules; absent = UTC. */
  readonly timezone?: string;
  readonly prune?: { readonly schedule: string };
  readonly check?: {
    readonly schedule: string;
    /** The data is read in so many parts, one at each check; 0 = the structure alone. */
    readonly parts: number;
  };
  readonly mirror?: MirrorConfig;
}

/** Copies of a repository's points in another one. */
interface MirrorConfig {
  /** The name of the repository that holds the copies. */
  readonly to: string;
  readonly schedule?: string;
  /** Of the copies; absent = that of each point's own job, as it was recorded at its capture. */
  readonly retention?: RetentionPolicy;
  /** Whether the points of all hosts are copied that the repository has, or those of this host alone. */
  readonly hosts?: "own" | "all";
}

/** One snapshot of a repository as restic lists it. */
export interface StoredSnapshot {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Of the snapshot that it was copied from or rewritten of. */
  readonly original?: string;
  /** Names the whole content: two that differ in anything have different ones. */
  readonly tree?: string;
  /** Set by the client that made it, so never believed alone. */
  readonly time: Date;
  readonly host: string;
  readonly paths: readonly string[];
  readonly tags: readonly string[];
  /** Bytes of the files, where restic says so (0.17 and later). */
  readonly bytes?: number;
}

/** Progress of a long operation; what restic does not say is absent. */
export interface StoreProgress {
  readonly what: "save" | "restore" | "copy" | "check" | "prune";
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
  readonly filesDone?: number;
  readonly filesTotal?: number;
}

/** What is to be saved as one snapshot. */
export interface SaveOrder {
  readonly tags: readonly string[];
  readonly host: string;
  /** The instant that the snapshot is dated with. */
  readonly time: Date;
}

export interface FilesOrder extends SaveOrder {
  /** Absolute. */
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly excludeFile?: string;
  readonly oneFileSystem: boolean;
  readonly excludeCaches: boolean;
  /** Reads all of them, and looks at no snapshot before: for one of those cannot be read. */
  readonly afresh?: true;
}

/** What became of saving. */
export interface Saved {
  readonly id: string;
  /** Bytes looked at. */
  readonly bytes: number;
  /** Bytes that the repository grew by, before compression. */
  readonly added: number;
  readonly files?: { readonly new: number; readonly changed: number; readonly unmodified: number };
  /** What could not be read: then the snapshot is there and is not whole. */
  readonly unread: readonly { readonly path: string; readonly found: string }[];
}

/** A stream that is saved as one file. It must not end well unless what makes it ended well. */
export interface StreamSource {
  /** A plain file name, such as `shop.sql`. */
  readonly file: string;
  /**
   * Starts it, once, when the repository is open and locked. Its bytes go to the file descriptor `output` (the write
   * end of a pipe, blocking), of which the store keeps an end open until `done` resolves; a rejection means that no
   * snapshot may come of it. `signal` aborts when the store has failed or the caller wants the end: `done` must then
   * settle too. `output` is closed by the store, after `done`. `waiting` is told again and again while the store has
   * to wait for bytes: it is not idle then.
   */
  start(output: number, signal: AbortSignal, waiting?: () => void): { readonly done: Promise<void> };
}

/** One entry of a snapshot's tree. */
export interface StoredEntry {
  /** Absolute within the snapshot, `/`-separated. */
  readonly path: string;
  readonly type: "file" | "dir" | "symlink" | "dev" | "chardev" | "fifo" | "socket" | "irregular";
  readonly size?: number;
  /** Permission bits and kind, as in stat(2). */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: Date;
  readonly linkTarget?: string;
}

export interface RestoreOrder {
  readonly snapshot: string;
  /** Entries to restore, absolute within the snapshot; empty = all. */
  readonly include: readonly string[];
  /** An empty directory of ours. `fillsHoles` in the answer: zeros were written where holes may have been. */
  readonly target: string;
}

/**
 * One repository. Every operation has the deadlines of its configuration, ends when its signal aborts, waits for
 * other programs' locks as configured, and removes a lock of a process of this host that is gone. Failures are
 * BackupErrors: `not-found` no repository there, `denied` wrong password or refused, `unreachable`, `locked`.
 */
export interface Store {
  readonly config: RepositoryConfig;
  open(signal: AbortSignal): Promise<StoreFacts>;
  /** Makes a repository; `like`: one that snapshots will be copied from, so that both cut files alike. */
  init(signal: AbortSignal, like?: Store): Promise<StoreFacts>;
  saveFiles(order: FilesOrder, tell: (progress: StoreProgress) => void, signal: AbortSignal): Promise<Saved>;
  saveStream(
    order: SaveOrder,
    source: StreamSource,
    tell: (progress: StoreProgress) => void,
    signal: AbortSignal,
  ): Promise<Saved>;
  /**
   * Says of a snapshot that it is not whole. `saveFiles` does so itself where something could not be read; others
   * need it for a snapshot of which nobody knows whether it is, since its run was killed. Needs no right to delete.
   */
  markPartial(
    snapshot: string,
    unread: Saved["unread"],
    order: Pick<SaveOrder, "host" | "time">,
    signal: AbortSignal,
  ): Promise<void>;
  /** What a marker says, by the marker's id. */
  unreadOf(marker: string, signal: AbortSignal): Promise<Saved["unread"]>;
  /** Those that carry all of the tags; all of the repository without tags. Markers are among them. */
  snapshots(tags: readonly string[], signal: AbortSignal): Promise<readonly StoredSnapshot[]>;
  /** The store's own clock, and when it got each snapshot, as far as the backend tells; by id. */
  clock(signal: AbortSignal): Promise<StoreClock | undefined>;
  forget(ids: readonly string[], signal: AbortSignal): Promise<readonly Forgotten[]>;
  prune(
    tell: (progress: StoreProgress) => void,
    signal: AbortSignal,
  ): Promise<{ readonly freedBytes?: number }>;
  check(
    part: { readonly part: number; readonly of: number } | undefined,
    tell: (progress: StoreProgress) => void,
    signal: AbortSignal,
  ): Promise<CheckResult>;
  /**
   * Mends what hangs on a file that is there and cannot be read; whether there was something to mend. An index is made
   * anew of the data; of a snapshot an empty file is removed, if a save of this host has failed of which it came. Rejects
   * where that may not be now, with the reason.
   */
  mend(unreadable: Unreadable, signal: AbortSignal): Promise<boolean>;
  /**
   * Removes files of snapshots that are empty and that nobody can read any more, while nobody is at work there. For
   * people who know of them: what they named is what nobody needs then, and the next prune takes it away. What became of
   * each, in words.
   */
  removeEmpty(signal: AbortSignal): Promise<readonly string[]>;
  /** Copies snapshots from another repository into this one; those that are there already are left out. */
  copyFrom(
    from: Store,
    ids: readonly string[],
    tell: (progress: StoreProgress) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Entries of a snapshot's tree; of one directory only, or of all below it; `itself`: with the directory. */
  list(
    snapshot: string,
    at: { readonly path: string; readonly recursive: boolean; readonly itself?: boolean },
    signal: AbortSignal,
  ): AsyncIterable<StoredEntry>;
  /** Paths of files whose content differs between two snapshots; absent where nobody can tell. */
  changed?(one: string, other: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The bytes of one file. */
  dump(snapshot: string, path: string, output: number, signal: AbortSignal): Promise<void>;
  restore(
    order: RestoreOrder,
    tell: (progress: StoreProgress) => void,
    signal: AbortSignal,
  ): Promise<{ readonly problems: readonly Failure[]; readonly fillsHoles?: boolean }>;
  locks(signal: AbortSignal): Promise<readonly StoreLock[]>;
  /** Removes the locks of processes of this host that are gone, unless that would take away another one as well. */
  clearDead(signal: AbortSignal): Promise<void>;
  /** Removes locks of which restic itself can tell that nobody holds them. */
  unlock(signal: AbortSignal): Promise<void>;
}
