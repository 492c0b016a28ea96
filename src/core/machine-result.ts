import type { Failure } from "./errors.ts";
import type { MachineHealth, MachineState } from "./machine-ports.ts";

/** What came of a restore of an instance. What is unfinished can be continued by the same words, or undone. */
export interface MachineResult {
  readonly id: string;
  readonly outcome: "done" | "was-done" | "unfinished";
  readonly machine?: MachineState;
  /** The image that was made for it, where it is kept or was left. */
  readonly image?: string;
  /** What the status checks said last; absent where they were not waited for. */
  readonly health?: MachineHealth;
  readonly failure?: Failure;
  /** Why the image that was made for it may be there still, though all else is done. */
  readonly left?: Failure;
  readonly notes: readonly string[];
}

/** What became of one thing that an unfinished restore of an instance had left. */
export interface MachineUndone {
  readonly kind: "instance" | "image" | "volume";
  readonly id: string;
  readonly restore: string;
  readonly outcome: "removed" | "would-be-removed" | "left" | "failed";
  readonly because?: string;
  readonly failure?: Failure;
}
