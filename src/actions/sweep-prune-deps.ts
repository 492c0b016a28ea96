import type { Audit, Clock, Log } from "../core/ports.ts";
import type { Stanza } from "../core/stanzas.ts";
import type { SeriesPlan } from "../core/sweep.ts";
import type { PointService, SweepInstance, SweepUnit } from "../core/sweep-ports.ts";
import type { SweepPruneRules, TaggedRules } from "../core/sweep-settings.ts";
import type { Turns } from "./turns.ts";

/** How far the pruner is, for people who wait. */
export type PruneTold = (what: "listed" | "removed", done: number, of?: number) => void;

export interface SweepPruneDeps {
  readonly unit: SweepUnit;
  readonly ec2: PointService;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  readonly run: string;
  readonly rules: SweepPruneRules;
  /** What the tags of an instance say of retention; absent where they say nothing. */
  readonly taggedRules: (tags: SweepInstance["tags"]) => TaggedRules | "unreadable" | undefined;
  /** Another tool's: what they keep of instances that come under them is kept. */
  readonly stanzas: readonly Stanza[];
  readonly tell: PruneTold;
  /** One unit at a time lists and decides. */
  readonly turns: Turns;
}

export interface SweepPruneOrder {
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/** A series with what is to be done with it. */
export interface Decided {
  readonly name: string;
  /** What is kept is only counted: of a hundred thousand points no more can be kept in mind. */
  readonly plan: Omit<SeriesPlan, "keep"> & { readonly kept: number };
}
