import { type RecoveryPoint, sizeOf } from "./recovery-point.ts";

/**
 * The newest copy of a volume, as a listing showed it; or of files and dumps, where `volume` is `files` or
 * `dump/<name>` and `device` the name of their repository.
 */
export interface VolumeSeen {
  readonly volume: string;
  readonly device: string;
  /** When the newest complete point that contains it was captured, ISO 8601; absent if there is none. */
  readonly newest?: string;
  /** Bytes of the volume in that point. */
  readonly bytes?: number;
  /** When a younger point that was not complete yet was captured, ISO 8601. */
  readonly settling?: string;
  /** What is stored in a repository that could not be asked: what was known of it before stays true. */
  readonly unseen?: true;
  /** Of a dump that is made more rarely than its job runs: how old it may be, in seconds. */
  readonly promiseSeconds?: number;
}

/** The newest copies of each volume among points of ONE series, newest first. */
export function volumesSeen(
  volumes: readonly { readonly id: string; readonly device: string }[],
  newestFirst: readonly RecoveryPoint[],
): VolumeSeen[] {
  return volumes.map(({ id, device }) => {
    const of = (state: string) =>
      newestFirst.find(
        (point) => point.state === state && point.snapshots.some((one) => one.volumeId === id),
      );
    const [newest, settling] = [of("complete"), of("pending")?.captured];
    return {
      volume: id,
      device,
      ...(newest && {
        newest: newest.captured.toISOString(),
        bytes: sizeOf({ ...newest, snapshots: newest.snapshots.filter((one) => one.volumeId === id) }),
      }),
      ...(settling && !(newest && newest.captured > settling) && { settling: settling.toISOString() }),
    };
  });
}
