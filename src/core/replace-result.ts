import type { Failure } from "./errors.ts";
import type { Remounted } from "./replace-ports.ts";

/** One volume that takes the place of another. */
interface SwappedVolume {
  readonly old: string;
  readonly fresh?: string;
  readonly device: string;
}

/**
 * What came of a swap. `rolled-back`: all is as it was before. `unfinished`: not even that could be done; the same
 * words go on and `--undo` goes back. `rebooting`: EC2 has the order and reboots this host.
 */
export interface ReplaceResult {
  readonly id: string;
  readonly outcome:
    | "done"
    | "was-done"
    | "rolled-back"
    | "undone"
    | "unfinished"
    | "not-begun"
    | "rebooting"
    | "failed";
  readonly volumes: readonly SwappedVolume[];
  readonly mounted: readonly Remounted[];
  readonly failure?: Failure;
  /** Why going back failed as well. */
  readonly second?: Failure;
  readonly notes: readonly string[];
  /** Devices that other volumes hold by now: what was there before it could not come back. */
  readonly taken?: readonly string[];
  /** Of a root replacement by EC2. */
  readonly task?: string;
}
