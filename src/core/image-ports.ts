import type { Tags } from "./instance.ts";
import type { CaptureOrder, Engine } from "./ports.ts";
import type { RecoveryPoint } from "./recovery-point.ts";

/** An image of the account as EC2 shows it now. */
export interface FoundImage {
  readonly id: string;
  readonly name: string;
  /** EC2's word: `pending`, `available`, `failed`, `disabled`. */
  readonly state: string;
  /** Why it failed, as far as EC2 says. */
  readonly reason?: string;
  readonly created: Date;
  /** The instance that CreateImage made it of; absent of any that came about otherwise. */
  readonly source?: string;
  /** EC2's word for its protection, unless that is off. */
  readonly protection?: string;
  readonly public: boolean;
  /** Those that its devices name; of a pending one they may be missing. */
  readonly snapshots: readonly string[];
  readonly tags: Tags;
}

/** An image that is to be made. */
export interface ImageOrder {
  readonly order: CaptureOrder;
  /** EC2 refuses a second one of the name, which is what keeps a repeated request from making two. */
  readonly name: string;
  readonly pointId: string;
  readonly period: string;
  readonly captured: Date;
  /** Devices of volumes that it is not to have. */
  readonly without: readonly string[];
}

/** What makes, finds and removes points of images. Failures are BackupErrors. */
export interface ImageEngine extends Pick<Engine, "find" | "withHolds" | "remove"> {
  /** All images of a series, also those whose snapshots are not listed. */
  list(series: string, signal: AbortSignal): Promise<readonly FoundImage[]>;
  /** The points with the images that they are of, as far as these are there. */
  identify(points: readonly RecoveryPoint[], signal: AbortSignal): Promise<readonly RecoveryPoint[]>;
  /** Own images of a name; made by whomever. */
  named(name: string, signal: AbortSignal): Promise<readonly FoundImage[]>;
  /**
   * Makes an image without a reboot. One attempt: `InvalidAMIName.Duplicate` where the name is taken, `unknown-outcome`
   * where it may be there.
   */
  make(order: ImageOrder, signal: AbortSignal): Promise<string>;
  /** Asks whether such a request would be allowed; makes nothing. */
  rehearse(order: ImageOrder, signal: AbortSignal): Promise<void>;
}
