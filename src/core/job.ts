import type { CopyTarget } from "./copy-target.ts";
import type { HookConfig } from "./hook-config.ts";
import type { LockWish } from "./lock.ts";
import type { Consistency, RetentionPolicy } from "./retention-policy.ts";
import type { StoredWish } from "./stored-wish.ts";

/**
 * Names volumes by tag (`Key` or `Key=value`), by device name, by volume id or by the mount point of a
 * filesystem that rests on them.
 */
export type VolumeMatcher =
  | { readonly tag: string }
  | { readonly device: string }
  | { readonly id: string }
  | { readonly mount: string };

/** Which volumes a job takes. */
export interface VolumeSelection {
  /** Whether the root volume is taken. */
  readonly root: boolean;
  /** Only these data volumes; absent = all. Naming a volume also takes one that is left out by default. */
  readonly include?: readonly VolumeMatcher[];
  /** Never these; wins over `include`. */
  readonly exclude: readonly VolumeMatcher[];
}

/** How often a job makes an image of its instance. */
export const imageIntervals = ["daily", "weekly", "monthly", "yearly"] as const;

export type ImageInterval = (typeof imageIntervals)[number];

/**
 * How the Volume Shadow Copy Service of Windows holds still: `full` as a full backup, `copy-only` so that the chain
 * of an application's own backups is left alone, `no-writers` without the applications.
 */
export const vssModes = ["full", "copy-only", "no-writers"] as const;

export type VssMode = (typeof vssModes)[number];

/** Waits of one run, in milliseconds. */
export interface Waits {
  /** The deadline of one API request. */
  readonly request: number;
  /** The deadline of the one CreateSnapshots request. */
  readonly capture: number;
  /** How long throttled or limited captures are tried again; metrics for at most two minutes of it. */
  readonly retryFor: number;
  /** The first pause before another try; later ones grow and are jittered. */
  readonly retryEvery: number;
  /** How long a capture of unknown outcome is looked for; EC2 promises consistency within five minutes. */
  readonly reconcileFor: number;
  /** The pause between two looks. */
  readonly reconcileEvery: number;
  /** How long `--wait` waits for completion. */
  readonly settleFor: number;
  /** The pause between two polls while settling. */
  readonly settleEvery: number;
}

/** What the configuration names: which volumes, when, and how long they are kept. */
export interface Job {
  readonly name: string;
  /** A cron expression or `every 12h`; absent = only by hand or by an outside scheduler. */
  readonly schedule?: string;
  /** The IANA time zone of schedule and retention. */
  readonly timezone: string;
  /** Milliseconds over which instances spread their runs, each at its own offset. */
  readonly splay: number;
  /** Milliseconds: how old its newest complete point may grow; absent = as its schedule has it. */
  readonly missedAfter?: number;
  readonly volumes: VolumeSelection;
  /** Files and dumps; without volumes beside them `volumes` names none. Absent = volumes alone. */
  readonly stored?: StoredWish;
  readonly retention: RetentionPolicy;
  /** Held in this order around the capture, released in reverse. */
  readonly hooks: readonly HookConfig[];
  /** What is demanded of a point; absent = what the hooks can give on this host. */
  readonly consistency?: Consistency;
  /** What becomes of a capture that cannot be as consistent as is demanded. */
  readonly whenLess: "degrade" | "fail";
  /** Extra tags for every snapshot. */
  readonly addTags: Readonly<Record<string, string>>;
  /** Marks of another tool's dialect written beside our own tags. */
  readonly dialect: "none" | "seed2";
  /** One image in each calendar period of its time zone, beside its points; absent = none. */
  readonly image?: ImageInterval;
  /** Whether the tags of a point hold the user data, which who may look at snapshots can read then. */
  readonly recordUserData?: boolean;
  /** On Windows: points are made by the Volume Shadow Copy Service, in this way; absent = by EC2 alone. */
  readonly vss?: VssMode;
  /** `elsewhere`: runs remove nothing, since another role prunes; absent = each run removes what is given up. */
  readonly prune?: "elsewhere";
  /** How the snapshots of its points are locked right after their capture; absent = not at all. */
  readonly lock?: LockWish;
  /** Other Regions that its points are copied to; absent = none. */
  readonly copy?: readonly CopyTarget[];
  readonly waits: Waits;
}

/** Why a run happens. `termination`: the instance is about to end. */
export type Trigger = "schedule" | "catch-up" | "manual" | "termination";

/** The line of points that one policy thins: one job on one instance. */
export function seriesOf(job: string, instanceArn: string): string {
  return `${instanceArn}/${job}`;
}
