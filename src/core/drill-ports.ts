import type { DrillCommand } from "./drill.ts";
import type { Failure } from "./errors.ts";
import type { FileEntry } from "./file-ports.ts";
import type { FoundFilesystem } from "./restore-ports.ts";

/**
 * What a check of a filesystem found; `unknown`: there is no program here that could look; `needless`: it is of a kind
 * that is written once, for which no program is made.
 */
export interface FilesystemVerdict {
  readonly verdict: "clean" | "damaged" | "unknown" | "needless";
  /** What the program said, or which one is wanted. */
  readonly said: string;
}

/** What a program of the user may know of a drill; it sees it as `EC2_BACKUP_*` variables. */
export interface DrillFacts {
  readonly run: string;
  readonly drill: string;
  readonly job: string;
  readonly point: string;
  /** Of the machine that was captured. */
  readonly instanceId: string;
  /** The directory below which everything is mounted. */
  readonly directory: string;
  readonly mounts: readonly string[];
}

/** What drills need of their host beside its disks. Every failure is a BackupError. */
export interface DrillHost {
  /** Makes the directory below which everything is mounted: closed to all but us and the user of the command. */
  open(directory: string, user: string | undefined, signal: AbortSignal): Promise<void>;
  /** Takes directories away again, as far as nothing is in them. Never throws. */
  close(directories: readonly string[]): Promise<void>;
  /** Looks for damage in a filesystem that is not mounted, and writes nothing. */
  checkFilesystem(what: FoundFilesystem, signal: AbortSignal): Promise<FilesystemVerdict>;
  /** What lies at a path of a mounted clone, links followed within the clone; fails as `not-found`. */
  entry(root: string, path: string, signal: AbortSignal): Promise<FileEntry>;
  /** The content of a list of checksums, of a clone or, without a root, of this host. */
  list(root: string | undefined, path: string, signal: AbortSignal): Promise<string>;
  /** SHA-256 in hex of a file's content, links followed within the clone. */
  sha256(root: string, path: string, signal: AbortSignal): Promise<string>;
  /** Runs a program of the user under the rules of hooks; absent if it ended with 0. */
  command(command: DrillCommand, facts: DrillFacts, signal: AbortSignal): Promise<Failure | undefined>;
}
