import type { Failure } from "./errors.ts";

/** `command`: a program of the user; `database`: a server we know; `freeze`: filesystems. */
export type HookKind = "command" | "database" | "freeze";

/** What a hook may know of the run; a command sees it as `EC2_BACKUP_*` variables. */
export interface HookFacts {
  readonly job: string;
  readonly run: string;
  readonly trigger: string;
  readonly instanceId: string;
  /** The ids of the volumes that will be captured. */
  readonly volumes: readonly string[];
}

/** Something that can hold still. */
export interface Hook {
  /** For people, unique in the job: `mysql`, `command /usr/local/bin/dump`, `freeze`. */
  readonly name: string;
  readonly kind: HookKind;
  /** Whether the capture goes on without it; what was asked of consistency is judged apart. */
  readonly onFailure: "abort" | "continue";
  /** Does all that can fail before anything is held: connects, refuses, starts the guard. Holds nothing. */
  prepare(facts: HookFacts, signal: AbortSignal): Promise<PreparedHook>;
}

export interface PreparedHook {
  /**
   * Holds still; may be called again after a release. A failure leaves nothing held. What an abort of the
   * signal interrupts is undone as well.
   */
  hold(signal: AbortSignal): Promise<Held>;
  /** Lets go of connections and processes, whether anything was held or not. Never throws. */
  close(): Promise<void>;
}

export interface Held {
  /** How much of its deadline had passed when the holding was complete, in milliseconds; absent = all that it took. */
  readonly usedMs?: number;
  /**
   * Ends the holding. Takes no signal, since a thaw is never cancelled, and never throws: what went wrong
   * is in the answer. `captured` tells whether a point was made meanwhile.
   */
  release(captured: boolean): Promise<Holding>;
}

/** What a holding was, known when it is over. */
export interface Holding {
  /**
   * Whether what the hook stands for was there from before the capture until after it. A lock whose
   * connection broke, a thaw at the deadline or tables that no lock covers make it false.
   */
  readonly held: boolean;
  readonly problems: readonly Failure[];
  /** For the report, such as `binlog`: `mysql-bin.000003:1234`. Never a secret. */
  readonly facts: Readonly<Record<string, string>>;
  /** Of a freeze: which mounts, and for how many milliseconds at most they stood still. */
  readonly frozen?: { readonly mounts: readonly string[]; readonly ms: number };
}
