import type { Failure } from "./errors.ts";

/** A file of a repository that is there and cannot be read. */
export type UnreadableFile = "index" | "snapshot";

export interface Unreadable {
  readonly kind: UnreadableFile;
  /** The beginning of its name. */
  readonly id: string;
}

/** What a check found. */
export interface CheckResult {
  readonly sound: boolean;
  /** What restic said is wrong, line by line. */
  readonly errors: readonly string[];
  /** The first file that it could not read. */
  readonly unreadable?: Unreadable;
  /** The part of the data that was read, such as `3/12`; absent = none. */
  readonly read?: string;
}

/** What is known of a repository that could be opened. */
export interface StoreFacts {
  /** restic's id of the repository. */
  readonly repositoryId: string;
  readonly formatVersion: number;
  /** Such as `0.14.0`. */
  readonly program: string;
}

export interface StoreClock {
  readonly now: Date;
  /** When the store received the snapshot of that id. */
  readonly received: ReadonlyMap<string, Date>;
}

export interface Forgotten {
  readonly id: string;
  readonly outcome: "removed" | "was-gone" | "failed";
  readonly failure?: Failure;
}

export interface StoreLock {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly user: string;
  readonly since: Date;
  readonly exclusive: boolean;
  /** Whether its process is known to be gone: it was of this host. */
  readonly dead: boolean;
  /** Its process is gone, and another program has its number by now. */
  readonly taken?: true;
}
