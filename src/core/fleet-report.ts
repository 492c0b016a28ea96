import type { AlarmChange } from "./alarm-plan.ts";
import type { PriceTable } from "./alarm-settings.ts";
import type { TopicPlan } from "./alarms-plan.ts";
import type { Failure } from "./errors.ts";
import type { FleetAlarm } from "./fleet-alarm.ts";
import { exitCodeOfKinds, exitCodes } from "./report.ts";
import type { ScopeWish } from "./sweep-order.ts";
import type { UnitReport } from "./sweep-ports.ts";

/** What is wanted of the alarms of whole accounts and Regions. */
export interface FleetOrder {
  readonly verb: "plan" | "apply" | "remove";
  readonly scope: ScopeWish;
  /** Of `remove`; a dry run of `apply` is `plan`. */
  readonly dryRun: boolean;
  /** Milliseconds between two audits, at most; absent = as the alarm has it, or a day. */
  readonly auditEvery?: number;
}

/** What became of one thing that was to be changed. */
export interface FleetDone {
  readonly what: string;
  readonly outcome: string;
  readonly detail?: string;
  readonly failure?: Failure;
}

/** The alarms of one unit: what would be done, and of `apply` and `remove` what was. */
export interface FleetUnit {
  readonly changes: readonly AlarmChange<FleetAlarm>[];
  /** Absent = nobody is told, or it goes. */
  readonly topic?: TopicPlan;
  /** Names of alarms for missed backups of single instances. */
  readonly beside: readonly string[];
  readonly done?: readonly FleetDone[];
}

export interface FleetReport {
  readonly run: string;
  readonly verb: FleetOrder["verb"];
  readonly dryRun: boolean;
  readonly prices: PriceTable;
  readonly units: readonly UnitReport<FleetUnit>[];
}

/** Whether anything was made so, or nothing was left to be. */
function didSomething(done: FleetUnit["done"] = []): boolean {
  return (
    done.every(({ failure }) => failure === undefined) ||
    done.some(({ outcome }) => outcome !== "failed" && outcome !== "disabled")
  );
}

/** 0 = all is as it should be; 1 = something was done, or anybody is not told; else what all failures agree on. */
export function exitCodeOfFleet({ units }: Pick<FleetReport, "units">): number {
  const kinds = units.flatMap(({ failure, result }) => [
    ...(failure === undefined ? [] : [failure.kind]),
    ...(result?.done ?? []).flatMap((one) => one.failure?.kind ?? []),
  ]);
  const deaf = units.some(
    ({ result }) =>
      result?.topic?.findings.some(({ severity }) => severity === "error") === true ||
      result?.done?.some(({ outcome }) => outcome === "disabled") === true,
  );
  if (kinds.length === 0) return deaf ? exitCodes.partlyDone : exitCodes.done;
  const some = units.some(({ failure, result }) => failure === undefined && didSomething(result?.done));
  return some ? exitCodes.partlyDone : exitCodeOfKinds(kinds);
}
