import type { SnapshotPrices } from "./audit-cost-ports.ts";
import type { CopyTarget } from "./copy-target.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import type { SweepScope } from "./sweep-ports.ts";

/** Which points of an Auto Scaling group's instances one policy thins together. */
export const groupSeries = ["instance", "group", "name"] as const;
export type GroupSeries = (typeof groupSeries)[number];

/** What the pruner goes by beyond the policies; durations in milliseconds. */
export interface SweepPruneRules {
  /** How long the last points of an instance that is gone stay; absent = for ever. */
  readonly expireLastAfter?: number;
  /** The same for members of an Auto Scaling group. */
  readonly expireLastAfterOfGroups?: number;
  /**
   * `instance`: each by itself. `group`: replacements in one Auto Scaling group are one series. `name`: of members of
   * groups, those with the same Name tag are.
   */
  readonly seriesOfGroups: GroupSeries;
  /** What is younger is never removed by a rule that counts. */
  readonly minimumAge: number;
  /** How long a point that is given up is marked before it goes; 0 = it goes at once. */
  readonly mark: number;
}

/** The rules of a retention tag. A rule that it does not name keeps nothing by it. */
export interface TaggedRules {
  readonly counts: RetentionPolicy["counts"];
  readonly within?: number;
}

/** Which instances are captured in place of their agents. */
export interface SweepCreateRules {
  /** Milliseconds: how old the newest point of an instance may be. */
  readonly overdueAfter: number;
  /** EC2's filters of DescribeInstances, beside what the Backup tag says. */
  readonly filters: readonly { readonly name: string; readonly values: readonly string[] }[];
  /** Also instances without a Backup tag; one that says no is left out in any case. */
  readonly all: boolean;
  /** Also volumes that no instance has, by their Backup tags. */
  readonly unattached: boolean;
  /** Where neither the tag nor an earlier point says how long points are kept. */
  readonly retention?: TaggedRules;
  /** Stop, capture and start those whose tag Backup_Stop says yes. */
  readonly stop: boolean;
  /** Milliseconds that an instance may take to stop, and to run again. */
  readonly stopFor: number;
  readonly startFor: number;
}

/** A target of copies as the file has it: its rules go with the zone of the points. */
export type SweepCopyTarget = Omit<CopyTarget, "retention"> & { readonly retention?: TaggedRules };

/** What the copier goes by beyond what points and tags say. */
export interface SweepCopyRules {
  /** Where all points go that name no other target in that Region. */
  readonly targets: readonly SweepCopyTarget[];
  /** Milliseconds: how long a point is left to a running agent that is to copy it by itself. */
  readonly after: number;
}

/** What the file says of sweeps, above the built-in values. */
export interface SweepSettings {
  readonly scope: SweepScope;
  readonly prune: SweepPruneRules;
  readonly create: SweepCreateRules;
  /** Whether the file speaks of creating: without a word of it nothing is created unless it is asked for. */
  readonly creates: boolean;
  /** A file of another tool's stanzas, which say whose points are made when and kept how long. */
  readonly stanzas?: string;
  readonly copy: SweepCopyRules;
  /** Whether the file asks for copies. */
  readonly copies: boolean;
  /** Whether alarms of instances that are gone are deleted, and those of stopped ones muted. */
  readonly alarms: { readonly clean: boolean };
  /** What an audit may ask of blocks that changed, and what they cost. */
  readonly audit: { readonly requests: number; readonly prices: SnapshotPrices };
  /** Milliseconds before the deadline of a function of AWS Lambda at which a sweep stops by itself. */
  readonly margin: number;
}

/** List prices of us-east-1 for a GiB-month of snapshots. */
const listPrices: SnapshotPrices = { asOf: "2026-09", standard: 0.05, archive: 0.0125 };

const minute = 60_000;
const day = 1_440 * minute;

export const defaultSweepSettings: SweepSettings = {
  scope: { regions: [], accounts: ["self"], unitDeadline: 15 * minute, parallel: 4 },
  prune: { expireLastAfterOfGroups: 30 * day, seriesOfGroups: "instance", minimumAge: 7 * day, mark: 0 },
  create: {
    overdueAfter: 26 * 60 * minute,
    filters: [],
    all: false,
    unattached: false,
    stop: false,
    stopFor: 5 * minute,
    startFor: 3 * minute,
  },
  creates: false,
  copy: { targets: [], after: 26 * 60 * minute },
  copies: false,
  alarms: { clean: true },
  audit: { requests: 1_000, prices: listPrices },
  margin: 15_000,
};
