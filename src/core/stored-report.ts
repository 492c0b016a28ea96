/** What a run did about one thing that its job stores in a repository. */
export interface StoredOutcome {
  /** `files` or `dump/<name>`. */
  readonly source: string;
  readonly repository: string;
  /**
   * `partial`: made, and not all could be read. `not-due`: its own schedule asks for none yet. `due`: a run would make
   * one. `none`: this run makes none. `not-made`: it failed. `gone`: it is no part of its dump any more, such as a
   * database that was dropped.
   */
  readonly outcome: "made" | "partial" | "not-made" | "not-due" | "due" | "none" | "gone";
  /** Bytes that the repository grew by, before compression. */
  readonly added?: number;
  readonly files?: { readonly new: number; readonly changed: number; readonly unmodified: number };
  /** What could not be read: the first of them, and how many they are. */
  readonly unread?: {
    readonly count: number;
    readonly first: readonly { readonly path: string; readonly found: string }[];
  };
  /** Milliseconds that it took. */
  readonly ms?: number;
  /** When its own schedule is due next, ISO 8601; of `not-due`. */
  readonly next?: string;
  /** Of its series, where the repository could be asked. */
  readonly series?: StoredSeriesFacts;
}

/** What a listing says of one series. */
export interface StoredSeriesFacts {
  /** Complete points. */
  readonly complete: number;
  readonly newestComplete?: {
    readonly captured: string;
    readonly bytes: number;
    readonly ageSeconds: number;
  };
  /** Of a dump with a schedule of its own: how old its newest good point may be, in seconds. */
  readonly promiseSeconds?: number;
}
