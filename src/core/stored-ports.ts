import type { DumpConfig, DumpStream } from "./dump-config.ts";
import type { Failure } from "./errors.ts";
import type { TellMended } from "./mending.ts";
import type { CaptureOrder, Engine, Prepared } from "./ports.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { Consistency, RetentionPolicy } from "./retention-policy.ts";
import type { Saved, Store, StoreProgress, StreamSource } from "./store-ports.ts";
import type { StoredSubject } from "./store-tags.ts";
import type { FilesWish } from "./stored-wish.ts";

/** What of a run is about repositories; loaded only where a job stores something. */
export interface Stores {
  /** A repository by its name in the configuration; nothing is asked of it yet. */
  open(name: string, signal: AbortSignal): Promise<Store>;
  /** The points of a repository that is open. `signal` cuts captures and removals short. */
  engine(store: Store, signal: AbortSignal): Promise<StoredEngine>;
  /** The streams of a dump; nothing is dumped yet. */
  streams(dump: DumpConfig, signal: AbortSignal): Promise<readonly DumpStream[]>;
  /** How far a save is; `source` is `files` or `dump/<name>`. */
  progress(source: string, progress: StoreProgress): void;
  /** What the snapshots call this host. */
  readonly host: string;
}

/** One series of a repository that is to get a point: the files of a job, or one stream of a dump. */
export interface StoredOrder extends Pick<CaptureOrder, "job" | "instance" | "runId"> {
  readonly subject: StoredSubject;
  readonly what: { readonly files: FilesWish } | { readonly stream: StreamSource };
  /** Those of the configuration. */
  readonly tags: readonly string[];
  /** What else our own tags are to say of a dump: `format`, `database`, `collection`. */
  readonly facts: Readonly<Record<string, string>>;
  readonly policy: RetentionPolicy;
  /** Asked when all is held that could be. */
  readonly consistency: () => Consistency;
  tell(progress: StoreProgress): void;
  /** What of the repository had to be mended or passed by for it. */
  readonly mended: TellMended;
}

/** A point as its capture knows it, with what became of saving it. */
export interface MadePoint extends RecoveryPoint {
  readonly saved: Saved;
}

interface StoredPrepared extends Prepared {
  capture(pointId: string, captured: Date, within?: number): Promise<MadePoint>;
}

/** The engine of one repository: a snapshot of it is a whole point. */
export interface StoredEngine extends Engine<StoredOrder> {
  prepare(order: StoredOrder, signal: AbortSignal): Promise<StoredPrepared>;
  list(...asked: Parameters<Engine["list"]>): Promise<StoredListing>;
}

/** The points of a repository, and the clock that judges them. */
export interface StoredListing {
  readonly points: readonly RecoveryPoint[];
  readonly asOf: Date;
  /** Why nothing may be saved or removed there now. */
  readonly refusal?: Failure;
  /** What is to be told of the clock. */
  readonly notice?: string;
}
