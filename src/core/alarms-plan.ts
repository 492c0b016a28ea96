import type { AlarmCost } from "./alarm-cost.ts";
import type { AlarmChange } from "./alarm-plan.ts";
import type { Subscription } from "./alarm-ports.ts";
import type { Unmade } from "./alarms.ts";
import type { Finding } from "./finding.ts";

/** Who is told, and what keeps them from hearing. */
export interface TopicPlan {
  readonly arn: string;
  readonly action: "keep" | "create";
  readonly subscriptions: readonly Subscription[];
  /** Addresses that are to be subscribed. */
  readonly subscribe: readonly string[];
  readonly findings: readonly Finding[];
}

/** What is, what should be and what it costs. */
export interface AlarmsPlan {
  readonly instance: string;
  readonly changes: readonly AlarmChange[];
  readonly unmade: readonly Unmade[];
  readonly beats: readonly string[];
  readonly notes: readonly string[];
  /** Absent = nobody is told. */
  readonly topic?: TopicPlan;
  readonly cost: AlarmCost;
  /** Why alarms of instances that are gone are not shown, where they are not. */
  readonly withoutOrphans?: string;
}
