import type { PruneConsent } from "../actions/prune.ts";
import type { Progress } from "../actions/settle.ts";
import type { Loaded } from "../config/load.ts";
import type { Flags } from "../config/resolve.ts";
import type { Trigger } from "../core/job.ts";
import type { Log } from "../core/ports.ts";
import type { RunReport } from "../core/report.ts";
import type { StoreProgress } from "../core/store-ports.ts";
import type { HostProcess } from "./this-host.ts";

/** What the agent needs to know of its process and its host. */
export interface AgentOptions {
  readonly version: string;
  readonly loaded: Loaded;
  readonly stateDirectory: string;
  readonly self: HostProcess;
  /** Told to others who find a lock taken. */
  readonly owner: string;
  readonly log: Log;
  readonly progress: Progress;
  /** How far a save into a repository is. */
  readonly storing?: (source: string, progress: StoreProgress) => void;
  readonly flags: Flags;
}

/** What a command came to: reports of its jobs, or a sentence where there was nothing to run. */
export interface Outcome {
  readonly reports: readonly RunReport[];
  readonly message?: string;
}

/** What is wanted of each job. */
export interface Wish {
  readonly jobs: readonly string[];
  readonly trigger: Trigger;
  readonly slot?: string;
  readonly missed?: number;
  readonly overlapped?: number;
  readonly capture: boolean;
  readonly wait: boolean;
  /** The copies in other Regions alone are looked after. */
  readonly only?: "copies";
  /** Only show what would be done. */
  readonly planned: boolean;
  readonly consent: PruneConsent;
  /** Milliseconds over which the start is spread by the instance id. */
  readonly splay?: number;
  /** Milliseconds for one request; absent = as the jobs have it. */
  readonly requestTimeout?: number;
  /**
   * Whether a faulty configuration is replaced by the last good one: a backup is worth more than a
   * correct file, a plan is not.
   */
  readonly lenient: boolean;
}

/** A wish with everything that nobody asked for left off. */
export function wishOf(
  asked: Pick<Wish, "jobs"> &
    Partial<Pick<Wish, "trigger" | "slot" | "missed" | "overlapped" | "splay" | "wait">>,
  wanted: Partial<Pick<Wish, "capture" | "planned" | "consent" | "only">>,
): Wish {
  const { jobs, trigger = "manual", slot, missed, overlapped, splay, wait = false } = asked;
  return {
    jobs,
    trigger,
    ...(slot === undefined ? {} : { slot }),
    ...(missed === undefined ? {} : { missed }),
    ...(overlapped === undefined ? {} : { overlapped }),
    ...(splay === undefined ? {} : { splay }),
    wait,
    capture: false,
    planned: false,
    consent: {},
    lenient: wanted.capture === true && wanted.planned !== true,
    ...wanted,
  };
}
