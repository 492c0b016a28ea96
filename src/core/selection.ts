import type { Volume } from "./instance.ts";
import type { VolumeMatcher, VolumeSelection } from "./job.ts";

/** EC2 takes at most this many ids in ExcludeDataVolumeIds of CreateSnapshots. */
const maxExclusions = 40;
/** EC2 makes at most this many snapshots in one set, the root volume included. */
const maxVolumes = 128;

/** A decision about one volume, with its reason. */
export interface Choice {
  readonly volume: Volume;
  readonly because: string;
}

export interface Selected {
  readonly chosen: readonly Choice[];
  readonly left: readonly Choice[];
}

/** A mount and the volumes that it rests on. */
export interface Resting {
  readonly path: string;
  readonly volumes: readonly string[];
}

/** The mounts that a selection names; they mean nothing without knowing what is mounted where. */
export function namedMounts({ include = [], exclude }: VolumeSelection): string[] {
  return [...include, ...exclude].flatMap((matcher) => ("mount" in matcher ? [matcher.mount] : []));
}

/**
 * Chooses the volumes of a job, with a reason for each one chosen or left.
 *
 * `leftOutByTag` tells whether the tags of a volume leave it out; tags can only ever leave out.
 */
export function selectVolumes(
  volumes: readonly Volume[],
  selection: VolumeSelection,
  leftOutByTag: (volume: Volume) => string | undefined,
  mounts: readonly Resting[] = [],
): Selected {
  const chosen: Choice[] = [];
  const left: Choice[] = [];
  for (const volume of [...volumes].sort(rootFirst)) {
    const named = (matcher: VolumeMatcher) => matches(volume, matcher, mounts);
    const why = reasonToLeave(volume, selection, leftOutByTag, named);
    if (why === undefined) chosen.push({ volume, because: reasonToTake(volume, selection, named) });
    else left.push({ volume, because: why });
  }
  return { chosen, left };
}

function rootFirst(a: Volume, b: Volume): number {
  return Number(b.root) - Number(a.root) || (a.device < b.device ? -1 : 1);
}

function reasonToLeave(
  volume: Volume,
  selection: VolumeSelection,
  leftOutByTag: (volume: Volume) => string | undefined,
  named: (matcher: VolumeMatcher) => boolean,
): string | undefined {
  if (volume.attachment === "detaching") return "is being detached";
  const tag = leftOutByTag(volume);
  if (tag !== undefined) return `its tag ${tag}`;
  const excluded = selection.exclude.find(named);
  if (excluded !== undefined) return `excluded by ${describe(excluded)}`;
  if (volume.root) return selection.root ? undefined : "root is switched off";
  if (selection.include !== undefined)
    return selection.include.some(named) ? undefined : "not among the included";
  return leftByDefault(volume);
}

/**
 * Volumes that are not this instance's own business: their owner makes its own backups, or, shared
 * between instances, no single one of them can say what state the data is in.
 */
function leftByDefault(volume: Volume): string | undefined {
  if (volume.multiAttach) return "Multi-Attach: shared with other instances (name it in include to take it)";
  if (volume.operator !== undefined) return `managed by ${volume.operator} (name it in include to take it)`;
  const tag = Object.keys(volume.tags).find(isDriverTag);
  return tag === undefined
    ? undefined
    : `managed by a CSI driver, says its tag ${tag} (name it in include to take it)`;
}

function isDriverTag(key: string): boolean {
  return (
    key === "CSIVolumeName" ||
    key.startsWith("kubernetes.io/created-for/") ||
    /^ebs\.csi\.aws\.com\//.test(key)
  );
}

function reasonToTake(
  volume: Volume,
  selection: VolumeSelection,
  named: (matcher: VolumeMatcher) => boolean,
): string {
  if (volume.root) return "root";
  const matcher = selection.include?.find(named);
  return matcher === undefined ? "attached" : `included by ${describe(matcher)}`;
}

function matches(volume: Volume, matcher: VolumeMatcher, mounts: readonly Resting[]): boolean {
  if ("id" in matcher) return volume.id === matcher.id;
  if ("mount" in matcher)
    return mounts.some((mount) => mount.path === matcher.mount && mount.volumes.includes(volume.id));
  if ("device" in matcher) return bare(volume.device) === bare(matcher.device);
  const at = matcher.tag.indexOf("=");
  const key = at < 0 ? matcher.tag : matcher.tag.slice(0, at);
  if (!Object.hasOwn(volume.tags, key)) return false;
  return at < 0 || volume.tags[key] === matcher.tag.slice(at + 1);
}

/** EC2 shows `/dev/sdf` or `sdf`, depending on how the volume was attached. */
function bare(device: string): string {
  return device.replace(/^\/dev\//, "");
}

function describe(matcher: VolumeMatcher): string {
  if ("id" in matcher) return `id ${matcher.id}`;
  if ("mount" in matcher) return `mount ${matcher.mount}`;
  return "device" in matcher ? `device ${matcher.device}` : `tag ${matcher.tag}`;
}

/** What CreateSnapshots is asked for: it names what to leave out, never what to take. */
export interface CaptureScope {
  readonly excludeRoot: boolean;
  readonly excludeDataVolumeIds: readonly string[];
  /** The volumes that will be captured; more than chosen where EC2 cannot exclude enough. */
  readonly expected: readonly Volume[];
  /** Volumes that are captured although they were left out, because of {@link maxExclusions}. */
  readonly unwanted: readonly Volume[];
}

/** Why a selection cannot be captured in one call. */
export interface Unscopable {
  readonly found: string;
  readonly remedy: string;
}

/**
 * Turns a selection into the words of CreateSnapshots. The root volume never goes into
 * ExcludeDataVolumeIds, for which the whole request would fail.
 */
export function scopeOf(selected: Selected): CaptureScope | Unscopable {
  if (selected.chosen.length === 0) {
    return {
      found: "no volume is chosen",
      remedy: "see the reasons beside each volume in `ec2-backup plan`",
    };
  }
  // Where no volume is known as the root, none may be left out as such.
  const excludeRoot = selected.left.some(({ volume }) => volume.root);
  // A volume that is about to detach may be gone when the request arrives, and naming it would fail the set.
  const data = selected.left
    .map(({ volume }) => volume)
    .filter((volume) => !volume.root && volume.attachment !== "detaching");
  const tooMany = data.length > maxExclusions;
  const unwanted = tooMany ? data : [];
  const expected = [...selected.chosen.map(({ volume }) => volume), ...unwanted];
  if (expected.length > maxVolumes) {
    return {
      found: `${expected.length} volumes in one set, EC2 takes at most ${maxVolumes}`,
      remedy: "split the volumes between jobs with volumes.include or leave some out",
    };
  }
  const excludeDataVolumeIds = tooMany ? [] : data.map((volume) => volume.id);
  return { excludeRoot, excludeDataVolumeIds, expected, unwanted };
}
