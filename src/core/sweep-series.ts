import { withChainHolds } from "./copies.ts";
import { copiesThere, pointsThere } from "./copies-there.ts";
import { type PointReader, pointsOf, tagKeys } from "./point-tags.ts";
import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";
import { isCopy } from "./restore-copies.ts";
import type { Stanza } from "./stanzas.ts";
import type { SeriesGround } from "./sweep-expiry.ts";
import type { InstanceState, SweepUnit } from "./sweep-ports.ts";
import type { GroupSeries, SweepPruneRules, TaggedRules } from "./sweep-settings.ts";
import { expiryByStanzas } from "./sweep-stanzas.ts";
import { tagOf } from "./sweep-tags.ts";

/** Snapshots that one policy thins, and what they are called: the series, or what stands for several. */
export interface SeriesDraft {
  readonly name: string;
  readonly snapshots: Snapshot[];
}

/**
 * Snapshots of points by series. Copies stand apart from what was captured here, and so do images, of which none is
 * here: they go with their image alone.
 */
export function draftsOf(snapshots: readonly Snapshot[], by: GroupSeries): readonly SeriesDraft[] {
  const drafts = new Map<string, SeriesDraft>();
  for (const one of snapshots) {
    if (one.tags[tagKeys.image] !== undefined) continue;
    const name = nameOf(one, by);
    const draft = drafts.get(name);
    if (draft === undefined) drafts.set(name, { name, snapshots: [one] });
    else draft.snapshots.push(one);
  }
  return [...drafts.values()];
}

function nameOf(one: Snapshot, by: GroupSeries): string {
  const { tags } = one;
  const copy = isCopy(one) ? "copies of " : "";
  const group = tags[tagKeys.group];
  const common =
    by === "group" ? group : by === "name" && group !== undefined ? tags[tagKeys.name] : undefined;
  const series = tags[tagKeys.series] ?? "";
  if (common === undefined || common === "") return `${copy}${series}`;
  return `${copy}${by} ${common}/${tags[tagKeys.job] ?? ""}`;
}

/**
 * Snapshots as points; one that a listing told twice is one. Copies are points with the volumes and the instant of their
 * capture; what another tool has copied is none.
 */
export function pointsAmong(
  snapshots: readonly Snapshot[],
  asOf: Date,
  read?: PointReader,
): readonly RecoveryPoint[] {
  const ids = new Map(snapshots.map((one) => [one.id, one]));
  const once = ids.size === snapshots.length ? snapshots : [...ids.values()];
  if (!once.some(isCopy)) return pointsOf(once, asOf, read);
  const captured = once.filter((one) => !isCopy(one));
  return [...pointsOf(captured, asOf, read), ...pointsThere(copiesThere(once.filter(isCopy), asOf), asOf)];
}

/** All points of a draft. Of copies the newest of each volume is held, also of half a set: the next one builds on it. */
export function pointsIn(
  { snapshots }: SeriesDraft,
  asOf: Date,
  read?: PointReader,
): readonly RecoveryPoint[] {
  const points = pointsAmong(snapshots, asOf, read);
  return snapshots.some(isCopy) ? withChainHolds(points) : points;
}

/** What a listing of all instances of a unit says of one. */
export interface ListedInstance {
  readonly state: InstanceState;
  readonly tagged?: TaggedRules | "unreadable";
  /** What stanzas keep of it beside that. */
  readonly stanza?: TaggedRules;
}

export interface UnitGround {
  readonly unit: SweepUnit;
  /** By ARN: every instance that EC2 lists, in whatever state. */
  readonly instances: ReadonlyMap<string, ListedInstance>;
  /** Ids of every volume; absent where nothing depended on it, so that none was asked for: then none is gone. */
  readonly volumes?: ReadonlySet<string>;
  readonly stanzas?: readonly Stanza[];
}

/** What is known of a series. */
export function groundOf(points: readonly RecoveryPoint[], unit: UnitGround): SeriesGround {
  const arns = new Set(points.map(({ instanceArn }) => instanceArn));
  const tagged = [...arns].flatMap((arn) => {
    const { tagged: own = [], stanza = [] } = unit.instances.get(arn) ?? {};
    return [own, stanza].flat();
  });
  const { stanzas = [] } = unit;
  return {
    tagged,
    ...(stanzas.length === 0 ? {} : { expiry: (point) => expiryByStanzas(point, stanzas) }),
    gone: (point) => isGone(point, unit),
    volumeGone: (volume) => unit.volumes !== undefined && !unit.volumes.has(volume),
    grouped: (point) => tagOf(point, tagKeys.group) !== undefined,
  };
}

/** Of an instance elsewhere, a listing of this unit says nothing. */
function isGone(
  { instanceArn: arn, snapshots }: RecoveryPoint,
  { unit, instances, volumes }: UnitGround,
): boolean {
  const [, , , region, account] = arn.split(":");
  if (region !== unit.region || account !== unit.account || snapshots.some(isCopy)) return false;
  const volume = volumeOf(arn);
  if (volume !== undefined) return volumes !== undefined && !volumes.has(volume);
  const state = instances.get(arn)?.state;
  return state === undefined || state === "terminated";
}

/** The volume that a point is of, where it was captured without an instance. */
export function volumeOf(arn: string): string | undefined {
  return /:volume\/(vol-[0-9a-f]+)$/.exec(arn)?.[1];
}

/** Whether what becomes of a series can depend on which volumes there are. */
export function asksForVolumes(
  draft: SeriesDraft,
  asOf: Date,
  unit: Omit<UnitGround, "volumes">,
  { expireLastAfter, expireLastAfterOfGroups }: SweepPruneRules,
  read?: PointReader,
): boolean {
  const { stanzas = [] } = unit;
  const mayExpire =
    expireLastAfter !== undefined ||
    stanzas.length > 0 ||
    draft.snapshots.some(({ tags }) => tags[tagKeys.group] !== undefined);
  if (!mayExpire) return false;
  return pointsIn(draft, asOf, read).some((point) => {
    const grouped = tagOf(point, tagKeys.group) !== undefined;
    const limit = expiryByStanzas(point, stanzas) ?? (grouped ? expireLastAfterOfGroups : expireLastAfter);
    return limit !== undefined && (isGone(point, unit) || volumeOf(point.instanceArn) !== undefined);
  });
}
