import type { CostChain, CostStep } from "./audit-cost-ports.ts";
import type { AuditFacts } from "./audit-ports.ts";
import type { Snapshot } from "./recovery-point.ts";
import { copyKeys, isCopy } from "./restore-copies.ts";
import type { ForeignSnapshot } from "./sweep-ports.ts";

const gibibyte = 1024 ** 3;

/** A snapshot as its cost is told. */
interface Item {
  readonly id: string;
  readonly at: number;
  readonly sizeGiB: number;
  readonly full: number | undefined;
  readonly archived: boolean;
  readonly completed: boolean;
}

interface Volume {
  readonly volume: string;
  instance?: string;
  readonly items: Item[];
}

/**
 * The snapshots of each volume as chains. Copies are a chain of their own, by the volume of their source. What EC2 could
 * not complete stores nothing. `gone`: ids of those that another retention would give up.
 */
export function costChains(facts: AuditFacts, gone: ReadonlySet<string> = new Set()): CostChain[] {
  const volumes = new Map<string, Volume>();
  const add = (key: string, item: Item, instance: string | undefined): void => {
    const known = volumes.get(key) ?? { volume: key, items: [] };
    if (known.instance === undefined && instance !== undefined) known.instance = instance;
    known.items.push(item);
    volumes.set(key, known);
  };
  const attached = new Map(facts.volumes.map(({ id, attachedTo }) => [id, attachedTo]));
  for (const { instanceArn, snapshots } of facts.points)
    for (const one of snapshots)
      if (one.state !== "error")
        add(one.volumeId, itemOf(one), attached.get(one.volumeId) ?? instanceIn(instanceArn));
  for (const one of facts.copies)
    if (one.state !== "error")
      add(`copies of ${one.tags[copyKeys.volume] ?? one.id}`, itemOf(one), undefined);
  for (const one of facts.foreign)
    if (one.state !== "error") {
      // A copy of another tool's does not tell of which volume it is.
      const key = one.volumeId === "vol-ffffffff" ? `a copy, ${one.id}` : one.volumeId;
      add(key, foreignItem(one), attached.get(one.volumeId) ?? one.instanceHint);
    }
  return [...volumes.values()].map((one) => chainOf(one, gone));
}

function instanceIn(arn: string): string | undefined {
  return /\bi-[0-9a-f]+$/.exec(arn)?.[0];
}

function itemOf(one: Snapshot): Item {
  const { id, startTime, volumeSizeGiB, fullSizeBytes, archived, state, tags } = one;
  const captured = isCopy(one) ? Date.parse(tags["ec2-backup:captured"] ?? "") : Number.NaN;
  return {
    id,
    at: Number.isNaN(captured) ? startTime.getTime() : captured,
    sizeGiB: volumeSizeGiB,
    // Of one that is under way EC2 tells nothing, or what it has so far.
    full: state === "completed" ? fullSizeBytes : undefined,
    archived,
    completed: state === "completed",
  };
}

function foreignItem({ id, startTime, sizeGiB, fullSizeBytes, archived, state }: ForeignSnapshot): Item {
  return {
    id,
    at: startTime.getTime(),
    sizeGiB,
    full: state === "completed" ? fullSizeBytes : undefined,
    archived: archived === true,
    completed: state === "completed",
  };
}

function chainOf({ volume, instance, items }: Volume, gone: ReadonlySet<string>): CostChain {
  const ordered = items.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  const kept = ordered.filter(({ id }) => !gone.has(id));
  const archived = ordered.filter((one) => one.archived);
  const steps = stepsOf(ordered);
  const made = new Map(steps.map((step) => [keyOf(step), step]));
  return {
    volume,
    ...(instance === undefined ? {} : { instance }),
    sizeGiB: Math.max(...items.map(({ sizeGiB }) => sizeGiB)),
    snapshots: items.length,
    unknown: items.filter((one) => mostOf(one) === 0 && one.full === undefined).length,
    steps,
    archive: sumOf(archived),
    archiveExact: archived.every(({ full }) => full !== undefined),
    ...(kept.length < ordered.length && {
      instead: {
        // What both have in common is asked for once.
        steps: stepsOf(kept).map((step) => made.get(keyOf(step)) ?? step),
        archive: sumOf(kept.filter((one) => one.archived)),
      },
    }),
  };
}

const keyOf = ({ from, to }: CostStep): string => `${from ?? ""}/${to}`;

function stepsOf(items: readonly Item[]): CostStep[] {
  let before: Item | undefined;
  return items
    .filter(({ archived }) => !archived)
    .map((one) => {
      const step = stepOf(one, before);
      before = one;
      return step;
    });
}

function stepOf(one: Item, before: Item | undefined): CostStep {
  const atMost = mostOf(one);
  const whole = before === undefined && one.full !== undefined;
  return {
    ...(before === undefined ? {} : { from: before.id }),
    to: one.id,
    atMost,
    ...(whole ? { measured: atMost } : {}),
    // Blocks are only told of what is complete.
    closed: whole || !one.completed || before?.completed === false,
    counted: 0,
  };
}

function mostOf({ full, sizeGiB }: Item): number {
  return full ?? sizeGiB * gibibyte;
}

function sumOf(items: readonly Item[]): number {
  return items.reduce((sum, one) => sum + mostOf(one), 0);
}
