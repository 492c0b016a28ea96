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

/** What the file says of sweeps, above the built-in values. */
export interface SweepSettings {
  readonly scope: SweepScope;
  readonly prune: SweepPruneRules;
  /** Whether alarms of instances that are gone are deleted, and those of stopped ones muted. */
  readonly alarms: { readonly clean: boolean };
}

const minute = 60_000;
const day = 1_440 * minute;

export const defaultSweepSettings: SweepSettings = {
  scope: { regions: [], accounts: ["self"], unitDeadline: 15 * minute, parallel: 4 },
  prune: { expireLastAfterOfGroups: 30 * day, seriesOfGroups: "instance", minimumAge: 7 * day, mark: 0 },
  alarms: { clean: true },
};
