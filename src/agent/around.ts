import type { Patience } from "../actions/patiently.ts";
import type { Settings } from "../config/defaults.ts";
import type { Listener } from "../core/listener.ts";
import type { MetricSink } from "../core/ports.ts";
import type { StateDirectory } from "../host/state.ts";
import type { AgentOptions } from "./wish.ts";

/** What the listeners of one process need to know. */
export interface Around extends Pick<AgentOptions, "version" | "loaded" | "stateDirectory" | "self"> {
  readonly settings: Settings;
  readonly run: string;
  /** The instance id, as far as it is known. */
  readonly server?: string;
  /** The jobs in force. */
  readonly jobs: readonly string[];
  /** Whether the runs make points; what only removes is no sign of life. */
  readonly capture: boolean;
  /** Milliseconds for one request to AWS. */
  readonly requestTimeout: number;
  /** CloudWatch; absent where it cannot be reached. */
  readonly metrics?: (namespace: string) => MetricSink;
  /** How long CloudWatch is tried again for the metrics of a job. */
  readonly patience: (job: string) => Patience;
  /** What this host remembers of earlier runs; absent where even that is not known. */
  readonly state?: Pick<StateDirectory, "job">;
}

/** Those who are told of each run, and of its beginning. */
export interface Listening {
  readonly listeners: readonly Listener[];
  /** Tells whom it concerns that a job's run has begun. Never throws and does not wait. */
  began(job: string): void;
}
