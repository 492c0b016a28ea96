import type { VolumeMaker } from "../core/directory-ports.ts";
import type { Clock } from "../core/ports.ts";
import type { VolumeService } from "../core/restore-ports.ts";
import type { RestoreWaits } from "./restore-deps.ts";

/** What a copy of a directory needs of the world beside the host that has the disk. */
export interface DirectoryDeps {
  readonly volumes: VolumeService;
  readonly maker: VolumeMaker;
  readonly clock: Clock;
  /** Told of each step, in words. */
  readonly tell: (what: string) => void;
  readonly waits: RestoreWaits;
  /** Id of this invocation; its volume is made by it once, however often it is asked for. */
  readonly work: string;
  /** Whose directory it is, for the volume's tags. */
  readonly host: string;
  readonly version: string;
  /** Remembers what a later invocation has to clear up if this one is killed. */
  readonly note: (facts: { readonly volume: string; readonly instance: string }) => Promise<void>;
}
