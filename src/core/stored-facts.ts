import type { RunReport, StoredReport } from "./report.ts";
import type { VolumeSeen } from "./volume-ages.ts";

type Series = NonNullable<RunReport["series"]>;
type Newest = NonNullable<Series["newestComplete"]>;

/**
 * The facts of a job as a whole. Its age is that of the series that is furthest behind, so that who watches one number
 * hears of the worst; a dump that is made more rarely counts once it is older than it may be. Where any series could
 * not be listed or holds nothing complete, there is no such age, which is what the alarm for missed backups rings for.
 * Sizes and numbers of points are sums. `ofVolumes`: absent where they could not be listed. Nothing where nothing
 * could be listed.
 */
export function withStored(
  stored: readonly StoredReport[],
  takesVolumes: boolean,
  ofVolumes: Series | undefined,
): Series | undefined {
  const current = stored.filter(({ outcome }) => outcome !== "gone");
  const listed = current.flatMap(({ series }) => series ?? []);
  if (listed.length === 0 && ofVolumes === undefined) return undefined;
  const volumes: VolumeSeen[] = [...current.map(seenOf), ...(ofVolumes?.volumes ?? [])];
  const complete = listed.reduce((sum, one) => sum + one.complete, ofVolumes?.complete ?? 0);
  const expected = [
    ...current.map(({ series }) => series?.newestComplete),
    ...(takesVolumes ? [ofVolumes?.newestComplete] : []),
  ];
  const known = expected.flatMap((one) => one ?? []);
  if (known.length === 0 || known.length < expected.length) return { complete, volumes };
  const counting = current.flatMap(({ series }) => {
    const { newestComplete, promiseSeconds = 0 } = series ?? {};
    return newestComplete !== undefined && newestComplete.ageSeconds > promiseSeconds ? [newestComplete] : [];
  });
  const all = [...counting, ...(ofVolumes?.newestComplete ? [ofVolumes.newestComplete] : [])];
  // Where nothing but rare dumps is there, and all of them are young enough, the youngest says so.
  const worst = all.length > 0 ? oldest(all) : youngest(known);
  // Of 0 bytes is what nobody could tell the size of, and a sum without it would be taken for that of all.
  const bytes = known.every((one) => one.bytes > 0) ? known.reduce((sum, one) => sum + one.bytes, 0) : 0;
  return { complete, newestComplete: { ...worst, bytes }, volumes };
}

function oldest(all: readonly Newest[]): Newest {
  return all.reduce((worst, one) => (one.ageSeconds > worst.ageSeconds ? one : worst));
}

function youngest(all: readonly Newest[]): Newest {
  return all.reduce((best, one) => (one.ageSeconds < best.ageSeconds ? one : best));
}

function seenOf({ source, repository, series }: StoredReport): VolumeSeen {
  if (series === undefined) return { volume: source, device: repository, unseen: true };
  const { newestComplete, promiseSeconds } = series;
  return {
    volume: source,
    device: repository,
    ...(newestComplete && { newest: newestComplete.captured }),
    ...(newestComplete && newestComplete.bytes > 0 && { bytes: newestComplete.bytes }),
    ...(promiseSeconds === undefined ? {} : { promiseSeconds }),
  };
}
