import { decodeManifest, manifestValues } from "./manifest.ts";
import { tagKeys } from "./point-tags.ts";
import { type Snapshot, sharedTags } from "./recovery-point.ts";

/** The tag that says which snapshot one is a copy of. */
export const copiedFrom = "Source_SnapshotId";

/** What else the copier says of a copy: the Region and the volume of its source, and which try it is. */
export const copyKeys = {
  from: "ec2-backup:copied-from",
  volume: "ec2-backup:copied-volume",
  attempt: "ec2-backup:copy-attempt",
  /** The sweep that began it; absent where the instance's own agent did. */
  by: "ec2-backup:copied-by",
} as const;

/** What EC2 shows for the volume of a copied snapshot (EC2 API reference, CopySnapshot: "an arbitrary volume ID"). */
const noVolume = "vol-ffffffff";

/** Whether it is a copy of another snapshot, so that its volume and its start time are not those of the capture. */
export function isCopy({ tags, volumeId }: Snapshot): boolean {
  return tags[copiedFrom] !== undefined || volumeId === noVolume;
}

/** The snapshots that copies were made of which do not tell their volume, as far as their tags say. */
export function originsOf(snapshots: readonly Snapshot[]): readonly string[] {
  const origins = snapshots
    .filter((one) => isCopy(one) && volumeTold(one) === undefined)
    .map(({ tags }) => tags[copiedFrom] ?? "");
  return [...new Set(origins.filter((id) => /^snap-[0-9a-f]{8,17}$/.test(id)))];
}

/**
 * Copies with the volume and the instant of their capture, so that those of one point are a point again. The volume is
 * known by the copy's own tag or by the origin where that is still there, else by its size where the point's recipe
 * has only one of that size; a copy of which neither tells stands for itself, by its own id: its data can be restored, its place is unknown.
 */
export function asCaptured<S extends Snapshot>(
  snapshots: readonly S[],
  origins: readonly Snapshot[],
): readonly S[] {
  const known = new Map(origins.map(({ id, volumeId }) => [id, volumeId]));
  const sets = Map.groupBy(snapshots, ({ tags, id }) => tags[tagKeys.point] ?? id);
  return [...sets.values()].flatMap((set) => {
    const planned = decodeManifest(manifestValues(sharedTags(set)));
    const named = set.map((one) =>
      isCopy(one) ? (volumeTold(one) ?? known.get(one.tags[copiedFrom] ?? "")) : one.volumeId,
    );
    return set.map((one, index) => {
      if (!isCopy(one)) return one;
      const volumeId = named[index] ?? soleOfSize(one, { set, planned, named }) ?? one.id;
      const captured = Date.parse(one.tags[tagKeys.captured] ?? "");
      return { ...one, volumeId, startTime: Number.isNaN(captured) ? one.startTime : new Date(captured) };
    });
  });
}

/** As our own copier tells it; others do not. */
function volumeTold({ tags }: Snapshot): string | undefined {
  const volume = tags[copyKeys.volume];
  return volume !== undefined && /^vol-[0-9a-f]{8,17}$/.test(volume) ? volume : undefined;
}

function soleOfSize(
  { volumeSizeGiB }: Snapshot,
  {
    set,
    planned,
    named,
  }: {
    readonly set: readonly Snapshot[];
    readonly planned: ReturnType<typeof decodeManifest>;
    readonly named: readonly (string | undefined)[];
  },
): string | undefined {
  const open = planned.filter(({ volumeId }) => !named.includes(volumeId));
  // Where the recipe tells no sizes, only what is left alone can be meant.
  const fitting = open.filter(({ sizeGiB }) => sizeGiB === undefined || sizeGiB === volumeSizeGiB);
  const rivals = set.filter(
    (one, index) => named[index] === undefined && one.volumeSizeGiB === volumeSizeGiB,
  );
  return fitting.length === 1 && rivals.length === 1 ? fitting[0]?.volumeId : undefined;
}

/** The commands that bring snapshots of another Region here, for a POSIX shell. */
export function copyBack(snapshots: readonly Snapshot[], from: string, to: string): readonly string[] {
  return snapshots.map(
    ({ id }) =>
      `aws ec2 copy-snapshot --region ${to} --source-region ${from} --source-snapshot-id ${id} --query SnapshotId --output text`,
  );
}
