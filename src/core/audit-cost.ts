import type {
  Certainty,
  Cost,
  CostChain,
  CostStep,
  InstanceCost,
  SavedCost,
  SnapshotPrices,
  UnitCost,
  VolumeCost,
} from "./audit-cost-ports.ts";
import type { Failure } from "./errors.ts";

const gibibyte = 1024 ** 3;
/** What is told of the dearest volumes and instances: nobody reads more. */
const mostTold = 20;

/** What is stored, in bytes. */
interface Stored {
  readonly snapshots: number;
  readonly bytes: number;
  readonly archive: number;
  readonly unmeasured: number;
  readonly unknown: number;
}

/** What the chains of a unit cost, as far as their blocks have been counted. */
export function unitCost(
  chains: readonly CostChain[],
  prices: SnapshotPrices,
  { requests, stopped }: { readonly requests: number; readonly stopped?: Failure },
): UnitCost {
  const each = chains.map((chain) => ({ chain, stored: storedBy(chain) }));
  const volumes = each.map(
    ({ chain: { volume, instance }, stored }): VolumeCost => ({
      volume,
      ...(instance === undefined ? {} : { instance }),
      ...costOf(stored, prices),
    }),
  );
  const byInstance = Map.groupBy(each, ({ chain }) => chain.instance);
  const instances = [...byInstance].flatMap(([instance, its]): InstanceCost[] =>
    instance === undefined
      ? []
      : [{ instance, ...costOf(together(its.map(({ stored }) => stored)), prices) }],
  );
  const asked = chains.some(({ instead }) => instead !== undefined);
  return {
    ...costOf(together(each.map(({ stored }) => stored)), prices),
    requests,
    volumes: dearest(volumes),
    instances: dearest(instances),
    ...(asked ? { saved: savedBy(chains, prices) } : {}),
    ...(stopped === undefined ? {} : { stopped }),
  };
}

function storedBy({ snapshots, steps, archive, archiveExact, unknown }: CostChain): Stored {
  return {
    snapshots,
    bytes: steps.reduce((sum, step) => sum + most(step), 0),
    archive,
    unmeasured: steps.filter(({ measured }) => measured === undefined).length + (archiveExact ? 0 : 1),
    unknown,
  };
}

const most = ({ measured, atMost }: CostStep): number => measured ?? atMost;

const noStored: Stored = { snapshots: 0, bytes: 0, archive: 0, unmeasured: 0, unknown: 0 };

function together(all: readonly Stored[]): Stored {
  return all.reduce(
    (sum, one) => ({
      snapshots: sum.snapshots + one.snapshots,
      bytes: sum.bytes + one.bytes,
      archive: sum.archive + one.archive,
      unmeasured: sum.unmeasured + one.unmeasured,
      unknown: sum.unknown + one.unknown,
    }),
    noStored,
  );
}

function costOf({ snapshots, bytes, archive, unmeasured, unknown }: Stored, prices: SnapshotPrices): Cost {
  return {
    snapshots,
    ...priced(bytes, archive, prices),
    ...sureOf(unmeasured, unknown),
    unmeasured,
    unknown,
  };
}

function priced(bytes: number, archive: number, { standard, archive: archived }: SnapshotPrices) {
  const gib = bytes / gibibyte;
  const archiveGiB = archive / gibibyte;
  return {
    gib: rounded(gib),
    archiveGiB: rounded(archiveGiB),
    dollars: rounded(gib * standard + archiveGiB * archived),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function sureOf(unmeasured: number, unknown: number): { readonly certainty: Certainty } {
  return { certainty: unknown > 0 ? "unknown" : unmeasured > 0 ? "at most" : "measured" };
}

/** The dearest first; of those that cost the same in an order that does not change from one audit to the next. */
export function dearest<T extends Cost & { readonly volume?: string; readonly instance?: string }>(
  all: readonly T[],
): T[] {
  const name = ({ volume, instance }: T) => volume ?? instance ?? "";
  return all.toSorted((a, b) => b.dollars - a.dollars || (name(a) < name(b) ? -1 : 1)).slice(0, mostTold);
}

/**
 * What goes is all that the chains store by steps that would not be there; what comes is what the snapshot behind a gap
 * then stores. Where the latter is not known it may be nothing: so what is saved is never told too small.
 */
function savedBy(chains: readonly CostChain[], prices: SnapshotPrices): SavedCost {
  let [bytes, archive, unmeasured, unknown] = [0, 0, 0, 0];
  for (const { steps, instead, archive: before, archiveExact, unknown: lacking } of chains) {
    if (instead === undefined) continue;
    const old = new Set(steps);
    const kept = new Set(instead.steps);
    const gone = steps.filter((step) => !kept.has(step));
    const made = instead.steps.filter((step) => !old.has(step));
    bytes += Math.max(0, sum(gone, most) - sum(made, ({ measured }) => measured ?? 0));
    archive += before - instead.archive;
    unmeasured += [...gone, ...made].filter(({ measured }) => measured === undefined).length;
    unmeasured += archiveExact ? 0 : 1;
    unknown += lacking;
  }
  return { ...priced(bytes, archive, prices), ...sureOf(unmeasured, unknown) };
}

function sum(steps: readonly CostStep[], of: (step: CostStep) => number): number {
  return steps.reduce((total, step) => total + of(step), 0);
}

/** What several units cost together. */
export function sumCosts(units: readonly UnitCost[]): UnitCost {
  const add = (key: "snapshots" | "gib" | "archiveGiB" | "dollars" | "unmeasured" | "unknown" | "requests") =>
    rounded(units.reduce((total, one) => total + one[key], 0));
  const saved = units.flatMap((one) => one.saved ?? []);
  const unmeasured = add("unmeasured");
  const unknown = add("unknown");
  return {
    snapshots: add("snapshots"),
    gib: add("gib"),
    archiveGiB: add("archiveGiB"),
    dollars: add("dollars"),
    ...sureOf(unmeasured, unknown),
    unmeasured,
    unknown,
    requests: add("requests"),
    volumes: dearest(units.flatMap(({ volumes }) => volumes)),
    instances: dearest(units.flatMap(({ instances }) => instances)),
    ...(saved.length === 0 ? {} : { saved: sumSaved(saved) }),
  };
}

function sumSaved(all: readonly SavedCost[]): SavedCost {
  const add = (key: "gib" | "archiveGiB" | "dollars") =>
    rounded(all.reduce((total, one) => total + one[key], 0));
  const has = (certainty: Certainty) => Number(all.some((one) => one.certainty === certainty));
  return {
    gib: add("gib"),
    archiveGiB: add("archiveGiB"),
    dollars: add("dollars"),
    ...sureOf(has("at most"), has("unknown")),
  };
}
