import { BackupError, sentenceOf } from "../core/errors.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { matching } from "../core/restore-choice.ts";
import type { PointQuery } from "../core/restore-query.ts";
import { listed } from "./restore.ts";
import { wishOf } from "./restore-points.ts";
import type { RestoreOptions } from "./restore-session.ts";
import { isElsewhere } from "./stored-route.ts";
import { findStored, storedSession } from "./stored-session.ts";

/** All that can be restored: points of volumes and of repositories. */
export interface Restorable {
  /** As they were asked for, newest first. */
  readonly points: readonly RecoveryPoint[];
  /** How many there are, asked for or not. */
  readonly all: number;
  readonly zone: string;
  /** The Region of the points of volumes, where that is not this instance's. */
  readonly away?: string;
  /** What could not be asked. */
  readonly failures: readonly BackupError[];
  readonly notes: readonly string[];
}

/** Lists the points of volumes, as far as those can be meant, and those of repositories. One does not fail the other. */
export async function listRestorable(
  query: PointQuery,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<Restorable> {
  const onlyVolumes = query.from !== undefined || query.region !== undefined;
  const session = onlyVolumes ? undefined : storedSession(query, options);
  if (session === undefined && query.repository === undefined) {
    const { points, all, zone, away } = await listed(query, options, signal);
    return { points, all: all.length, zone, ...(away && { away }), failures: [], notes: [] };
  }
  if (session === undefined)
    throw new BackupError({
      kind: "usage",
      doing: `list the points of ${query.repository}`,
      found: "no repository is configured",
      remedy: "add it under repositories, or name one by --repository URL --password-file FILE",
    });
  const onlyStored =
    query.repository !== undefined || query.bare !== undefined || (await isElsewhere(options));
  const [stored, volumes] = await Promise.all([
    findStored(query, session, signal),
    onlyStored ? undefined : listed(query, options, signal).catch(asFailure),
  ]);
  const { zone } = session;
  const wanted = matching(stored.points, wishOf(query, zone, new Date()));
  const failed = volumes instanceof BackupError ? volumes : undefined;
  const ofVolumes = volumes === undefined || volumes instanceof BackupError ? undefined : volumes;
  const failures = [...stored.failures, ...(failed === undefined || isNoInstance(failed) ? [] : [failed])];
  const [first] = failures;
  const points = [...wanted, ...(ofVolumes?.points ?? [])];
  if (points.length === 0 && first !== undefined) throw first;
  const outside =
    failed !== undefined && isNoInstance(failed)
      ? [
          `points of volumes are not listed, since this is no EC2 instance that can be asked: ${sentenceOf(failed)}`,
        ]
      : [];
  return {
    points: points.toSorted((a, b) => b.captured.getTime() - a.captured.getTime()),
    all: stored.points.length + (ofVolumes?.all.length ?? 0),
    zone,
    failures,
    notes: [...stored.notes, ...outside],
  };
}

function asFailure(error: unknown): BackupError {
  if (error instanceof BackupError && error.kind !== "interrupted") return error;
  throw error;
}

/** The metadata service answers on instances only. */
function isNoInstance({ kind, doing }: BackupError): boolean {
  return kind === "unreachable" && /metadata/i.test(doing);
}
