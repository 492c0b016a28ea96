import { BackupError } from "./errors.ts";
import { isMixed, type RecoveryPoint } from "./recovery-point.ts";
import { type Choice, choosePoint, type PointWish } from "./restore-choice.ts";
import type { RepositoryConfig } from "./store-ports.ts";
import { canHold, placeText, type StoredPlace } from "./stored-path.ts";

/** A repository that is asked, and the one that stands in for it. */
export interface AskedRepository {
  readonly name: string;
  /** The name of its mirror. */
  readonly mirror?: string;
}

/**
 * The repositories whose points are meant: the one that was named, else all but those that only hold copies of others.
 * Throws `usage` where there is none of that name.
 */
export function repositoriesToAsk(
  all: readonly Pick<RepositoryConfig, "name" | "mirror">[],
  named: string | undefined,
): readonly AskedRepository[] {
  const asked = ({ name, mirror }: Pick<RepositoryConfig, "name" | "mirror">): AskedRepository => ({
    name,
    ...(mirror && mirror.to !== name ? { mirror: mirror.to } : {}),
  });
  if (named !== undefined) {
    const found = all.find(({ name }) => name === named);
    // Who names one means that one, and is not given another.
    if (found !== undefined) return [{ name: found.name }];
    const names = all.map(({ name }) => name).join(", ");
    throw new BackupError({
      kind: "usage",
      doing: `restore from ${named}`,
      found: "it is neither a repository of the configuration nor a snapshot",
      remedy: names === "" ? "none is configured: --repository URL names one" : `name one of ${names}`,
    });
  }
  const mirrors = new Set(
    all.flatMap(({ name, mirror }) => (mirror && mirror.to !== name ? [mirror.to] : [])),
  );
  const sources = all.filter(({ name }) => !mirrors.has(name));
  return (sources.length === 0 ? all : sources).map(asked);
}

/** What a host calls itself in the tags of points; the first one is what it would use today. */
export type OwnNames = readonly string[];

/**
 * The points of the machine that was named by ARN, id or Name tag, else of this host. Absent names mean that nobody
 * knows what this host is called, which is so on a bare machine: then they are all of them.
 */
export function ofMachine(
  points: readonly RecoveryPoint[],
  wanted: string | undefined,
  own: OwnNames | undefined,
): readonly RecoveryPoint[] {
  if (wanted !== undefined)
    return points.filter(
      ({ instanceArn, name }) =>
        instanceArn === wanted || name === wanted || instanceArn.endsWith(`/${wanted}`),
    );
  return own === undefined ? points : points.filter(({ instanceArn }) => own.includes(instanceArn));
}

/** The points that can hold the place, as far as the paths go that they were made of. */
export function holding(points: readonly RecoveryPoint[], place: StoredPlace): readonly RecoveryPoint[] {
  return points.filter(({ stored }) => {
    if (stored === undefined || (stored.content === "files") !== (place.in === "files")) return false;
    return place.in === "dump" ? stored.dump === place.dump : canHold(stored.paths, place.path);
  });
}

/**
 * The newest good point that can hold the place: complete, and dated with a time that is believed. One that is named
 * is taken whatever it is. Throws as {@link choosePoint} does.
 */
export function chooseStored(points: readonly RecoveryPoint[], place: StoredPlace, wish: PointWish): Choice {
  const can = holding(points, place);
  if (can.length === 0) throw nowhere(points, place);
  const isNamed = wish.point !== undefined;
  return choosePoint(isNamed ? can : can.filter((point) => !isMixed(point)), wish);
}

function nowhere(points: readonly RecoveryPoint[], place: StoredPlace): BackupError {
  const words = points.flatMap(({ stored }) =>
    stored === undefined ? [] : stored.content === "files" ? stored.paths : [`dump/${stored.dump}`],
  );
  const all = [...new Set(words)].toSorted();
  const some = all.slice(0, 5).join(", ");
  return new BackupError({
    kind: "not-found",
    doing: `find ${placeText(place)} in the repositories`,
    found:
      all.length === 0
        ? "there is no stored point"
        : `no stored point was made of it: there are ${some}${all.length > 5 ? " and others" : ""}`,
    remedy: "see `ec2-backup restore list`",
  });
}
