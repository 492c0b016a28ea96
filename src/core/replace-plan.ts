import type { Instance, Volume } from "./instance.ts";
import type { DiskUse } from "./replace-ports.ts";
import { type OldPlace, placeIn, placeText, replaceTags } from "./replace-tags.ts";
import { placeOf } from "./restore-devices.ts";
import { type PlannedVolume, type RestorePlan, restoreTags } from "./restore-plan.ts";
import type { VolumeState } from "./restore-ports.ts";

/** Why a swap is not begun, and what to do. */
export interface Refusal {
  readonly found: string;
  readonly remedy?: string;
}

/** One volume and what is to take its place. */
export interface PlannedSwap extends OldPlace {
  /** The volume that was captured: the old one, or one whose place that has taken. */
  readonly captured: string;
  /** What an earlier invocation has made. */
  readonly fresh?: string;
  readonly planned: PlannedVolume;
}

/** How a root volume is replaced. */
export type RootWay = "task" | "stop";

/** What a swap would do. */
export interface ReplacePlan {
  readonly restore: RestorePlan;
  readonly instance: Instance;
  readonly swaps: readonly PlannedSwap[];
  /** Absent: data volumes of this instance. */
  readonly root?: RootWay;
  /** Whether it was finished before, and whether it was begun. */
  readonly progress: "new" | "begun" | "done";
  readonly use?: DiskUse;
  readonly refusals: readonly Refusal[];
  readonly notes: readonly string[];
}

/** The attached volume that holds a captured volume's place: itself, what replaced it, or what is at its device. */
export function heirOf(
  captured: string,
  device: string | undefined,
  attached: readonly Volume[],
): Volume | undefined {
  const there = attached.filter(({ attachment }) => attachment === "attached" || attachment === "busy");
  const place = device === undefined ? undefined : placeOf(device);
  return (
    there.find(({ id }) => id === captured) ??
    there.find(({ tags }) => tags[restoreTags.volume] === captured && placeIn(tags[replaceTags.replaces])) ??
    there.find((one) => one.device === device || (place !== undefined && placeOf(one.device) === place))
  );
}

/** A volume of this swap that an earlier invocation has made, with the place that it is for. */
function madeFor(
  { request }: PlannedVolume,
  made: readonly VolumeState[],
): { readonly volume: VolumeState; readonly place: OldPlace } | undefined {
  for (const volume of made) {
    const place = placeIn(volume.tags[replaceTags.replaces]);
    if (
      place !== undefined &&
      volume.snapshot === request.snapshot &&
      volume.tags[restoreTags.from] === volume.snapshot
    )
      return { volume, place };
  }
  return undefined;
}

/** Which volume each planned one takes the place of; those without one are refused. */
export function planSwaps(
  restore: RestorePlan,
  attached: readonly Volume[],
  made: readonly VolumeState[],
): { readonly swaps: readonly PlannedSwap[]; readonly refusals: readonly Refusal[] } {
  const swaps: PlannedSwap[] = [];
  const refusals: Refusal[] = [];
  for (const planned of restore.volumes) {
    const { volume: captured } = planned;
    const earlier = madeFor(planned, made);
    const device = restore.point.recipe.find(({ volumeId }) => volumeId === captured)?.device;
    const heir = heirOf(captured, device, attached);
    const place: OldPlace | undefined =
      earlier?.place ??
      (heir && { old: heir.id, device: heir.device, deleteOnTermination: heir.deleteOnTermination });
    if (place === undefined) {
      refusals.push({
        found: `${captured} is not attached, nor is anything in its place: there is nothing to replace`,
        remedy: `ec2-backup restore volumes ${captured} --point ${restore.point.id} makes a volume of it`,
      });
      continue;
    }
    const fresh = earlier?.volume.id;
    swaps.push({ ...place, captured, ...(fresh && { fresh }), planned: placed(planned, place) });
  }
  return { swaps, refusals: [...refusals, ...refusedVolumes(swaps, attached, made)] };
}

/** The same volume, at the old one's device and with the mark of its place. */
function placed(planned: PlannedVolume, place: OldPlace): PlannedVolume {
  const { request } = planned;
  const tags = { ...request.tags, [replaceTags.replaces]: placeText(place) };
  const user = Object.keys(tags).filter((key) => !key.startsWith("ec2-backup:"));
  const over = Object.keys(tags).length - roomOnNew;
  const spare = over > 0 ? user.slice(-over) : [];
  const kept = Object.fromEntries(Object.entries(tags).filter(([key]) => !spare.includes(key)));
  return {
    ...planned,
    device: place.device,
    deviceBecause: `in place of ${place.old}`,
    request: { ...request, tags: kept },
    notes:
      spare.length === 0 ? planned.notes : [...planned.notes, `tags that find no room: ${spare.join(", ")}`],
  };
}

/** EC2 allows 50 tags; five are written on an old volume, and five on a new one once it is made. */
const roomForTags = 45;
const roomOnNew = 45;
const ours = new Set<string>(Object.values(replaceTags));

function refusedVolumes(
  swaps: readonly PlannedSwap[],
  attached: readonly Volume[],
  made: readonly VolumeState[],
): Refusal[] {
  const refusals: Refusal[] = [];
  for (const { old, fresh } of swaps) {
    const volume = attached.find(({ id }) => id === old);
    if (volume?.multiAttach === true)
      refusals.push({
        found: `${old} is attached to several instances (Multi-Attach): no one of them may swap it`,
      });
    if (volume?.operator !== undefined)
      refusals.push({
        found: `${old} is managed by ${volume.operator}`,
        remedy: "replace it by that service",
      });
    // Those of a swap that was begun count once.
    const own = Object.keys(volume?.tags ?? {}).filter((key) => !ours.has(key));
    if (own.length > roomForTags)
      refusals.push({ found: `${old} has no room for five tags more`, remedy: "remove some of its tags" });
    const kept = made.find(({ id }) => id === fresh)?.tags[replaceTags.undoneAt];
    if (kept !== undefined)
      refusals.push({
        found: `this replacement was undone at ${kept}, and its volume ${fresh} kept`,
        remedy: "add --label and a word of your choice for another",
      });
  }
  return refusals;
}

/** What keeps disks that are in use from being swapped, in words. */
export function refusedUse({ obstacles, users }: DiskUse): readonly Refusal[] {
  const services = [...new Set(users.flatMap(({ service }) => service ?? []))];
  const found = users.slice(0, 8).map(({ where, who }) => `${where} is used by ${who}`);
  const stop = services.length === 0 ? "end them" : `systemctl stop ${services.join(" ")}`;
  return [
    ...obstacles,
    ...(found.length === 0
      ? []
      : [{ found: found.join("; "), remedy: `${stop}, then run this again; nothing is unmounted by force` }]),
  ];
}

/** What is to be known of the host's table of mounts. */
export function fstabNotes({ mounts, fstab }: DiskUse): readonly string[] {
  return mounts.flatMap(({ where }) => {
    const line = fstab.find((one) => one.where === where);
    if (line === undefined)
      return [`${where} is not in /etc/fstab: it is mounted again now, not by a reboot`];
    if (/by-id\/.*vol/i.test(line.spec))
      return [
        `/etc/fstab names ${where} by its volume (${line.spec}): write UUID= there, the new one has another id`,
      ];
    return /^\/dev\/(?!disk\/by-(?:uuid|label)|mapper)/.test(line.spec)
      ? [
          `/etc/fstab names ${where} by a device, ${line.spec}, which another boot may give to another disk: write UUID=`,
        ]
      : [];
  });
}
