import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";
import { placeOf } from "./restore-devices.ts";

/** A path that a point must hold, as it is called on the machine that was captured. */
export interface SentinelFile {
  readonly path: string;
  /** Milliseconds: its content must have been changed no longer than this before the capture. */
  readonly newerThan?: number;
}

/** A program of the user that is given the mounts. */
export interface DrillCommand {
  /** Words of the program, the first an absolute path. */
  readonly run: readonly string[];
  /** Absent = the agent's user. */
  readonly user?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
}

/** What a drill looks at. */
export interface DrillChecks {
  readonly fsck: boolean;
  /** Volumes on which not all can be looked at, by id or by the device that they had. */
  readonly raw: readonly string[];
  readonly files: readonly SentinelFile[];
  /** A list in the format of sha256sum: within the point, or on this host. */
  readonly checksums?: { readonly inside: string } | { readonly host: string };
  readonly command?: DrillCommand;
}

/** A restore done to prove that it can be done. Durations are in milliseconds. */
export interface Drill {
  readonly name: string;
  /** A cron expression or `every 12h`; absent = only by hand or by an outside scheduler. */
  readonly schedule?: string;
  readonly timezone: string;
  readonly splay: number;
  /** How old the last good drill may grow; absent = as the schedule has it. */
  readonly missedAfter?: number;
  /** ARNs, ids or Name tags of the instances whose points are drilled; none = this instance. */
  readonly of: readonly string[];
  /** Names of jobs; none = every job that has points. */
  readonly jobs: readonly string[];
  readonly checks: DrillChecks;
  /** The volumes of one point may not be larger than this together. */
  readonly maxSizeGiB: number;
  /** After so long its volumes are left-overs that any run may remove. */
  readonly lifetime: number;
  readonly timeout: number;
}

/** What the timetable and the state call a drill; no job has such a name. */
export const drillPrefix = "drill/";

/** The points of one job of one source. */
export interface DrillSubject {
  /** As the configuration names it; absent = this instance. */
  readonly of?: string;
  readonly job: string;
  /** The newest complete point; absent if there is none. */
  readonly point?: RecoveryPoint;
}

/** What tells one subject from another within a drill. */
export function subjectKey({ of, job }: Pick<DrillSubject, "of" | "job">): string {
  return `${of ?? ""}/${job}`;
}

/**
 * The newest complete point of each job that is wanted, images aside. A Name that several machines have is one thing here: the
 * newest point of any of them, so that machines that are gone are not drilled for ever.
 */
export function subjectsOf(
  points: readonly RecoveryPoint[],
  wanted: readonly string[],
  of: string | undefined,
): readonly DrillSubject[] {
  const jobs = wanted.length > 0 ? wanted : [...new Set(points.map(({ job }) => job))].sort();
  return jobs.map((job) => {
    const [point] = points
      .filter((one) => one.job === job && one.state === "complete" && one.image === undefined)
      .sort((a, b) => b.captured.getTime() - a.captured.getTime() || (a.id < b.id ? 1 : -1));
    return { ...(of === undefined ? {} : { of }), job, ...(point && { point }) };
  });
}

/** Which members of a point may be attached to this host, by volume id; the others with the reason. */
export function drillable(
  point: Pick<RecoveryPoint, "snapshots" | "recipe" | "instanceArn">,
  here: { readonly arn: string; readonly rootVolume?: string },
): { readonly volumes: readonly string[]; readonly left: readonly { volume: string; because: string }[] } {
  const own = ({ volumeId }: Pick<Snapshot, "volumeId">) =>
    volumeId === here.rootVolume ||
    (point.instanceArn === here.arn &&
      point.recipe.some((one) => one.root === true && one.volumeId === volumeId));
  return {
    volumes: point.snapshots.filter((one) => !own(one)).map(({ volumeId }) => volumeId),
    left: point.snapshots.filter(own).map(({ volumeId }) => ({
      volume: volumeId,
      because: "it is the root volume of this very instance: drill it from another host",
    })),
  };
}

/** The ids of the point's volumes that are called so; drills of several machines name what only some of them have. */
export function rawVolumes(
  point: Pick<RecoveryPoint, "snapshots" | "recipe"> | undefined,
  names: readonly string[],
): readonly string[] {
  const places = names.flatMap((name) => placeOf(name) ?? []);
  return (point?.snapshots ?? []).flatMap(({ id, volumeId }) => {
    const { device = "" } = point?.recipe.find((one) => one.volumeId === volumeId) ?? {};
    const named = [id, volumeId, device].some((one) => names.includes(one));
    return named || places.includes(placeOf(device) ?? "none") ? [volumeId] : [];
  });
}

/** The volumes that were captured for an incomplete point and of which it has no snapshot. */
export function missingVolumes(
  point: Pick<RecoveryPoint, "snapshots" | "recipe" | "state"> | undefined,
): readonly string[] {
  // A copy of which nobody knows the place stands for itself.
  if (point === undefined || point.state === "complete") return [];
  const there = point.snapshots.map(({ volumeId }) => volumeId);
  return point.recipe.map(({ volumeId }) => volumeId).filter((id) => !there.includes(id));
}

/** Where a path of the captured machine may lie within a filesystem of it, the likeliest first: `/a/b/c`, `/b/c`, `/c`. */
export function pathsWithin(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "");
  return names.map((_, index) => `/${names.slice(index).join("/")}`);
}
