import { BackupError, type Failure, interrupted } from "../core/errors.ts";
import { inGroups } from "../core/in-groups.ts";
import type { Audit, Clock } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Forgotten } from "../core/store-answers.ts";
import { copyIdsOf, snapshotIdsOf } from "../core/store-point.ts";
import type { Store } from "../core/store-ports.ts";

export interface ForgetDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly run: string;
}

/** What became of the points that were to be forgotten. */
export interface ForgottenPoints {
  /** Ids of points. */
  readonly removed: readonly string[];
  readonly failures: readonly Failure[];
}

/**
 * Forgets points by the ids of their snapshots, oldest first, and with them what was said of them. Nothing is forgotten
 * that cannot be recorded; one refusal does not stop the others.
 */
export async function forgetPoints(
  points: readonly RecoveryPoint[],
  { store, clock, audit, run }: ForgetDeps,
  signal: AbortSignal,
): Promise<ForgottenPoints> {
  const doing = `forget points of the repository ${store.config.name}`;
  if (store.config.appendOnly)
    throw new BackupError({
      kind: "refused",
      doing,
      found: "the configuration says appendOnly: this host never forgets there",
      remedy: "another host does, by `ec2-backup repository prune --forget`",
    });
  const removed: string[] = [];
  const failures: Failure[] = [];
  const oldestFirst = [...points].sort((a, b) => a.captured.getTime() - b.captured.getTime());
  // A few at a time, so that one process of restic is not started for each, and a stop is heard.
  for (const some of inGroups(oldestFirst, batch)) {
    if (signal.aborted) {
      failures.push(interrupted(doing));
      break;
    }
    const lines = some.map((point) => lineOf(point, run));
    for (const line of lines)
      await audit.append({ ...line, time: clock.now().toISOString(), outcome: "removing" });
    const outcomes = await store.forget(some.flatMap(snapshotIdsOf), signal);
    const byId = new Map(outcomes.map((one) => [one.id, one]));
    for (const [index, point] of some.entries()) {
      const own = copyIdsOf(point).map((id) => byId.get(id));
      const failed = own.find((one) => one?.outcome !== "removed" && one?.outcome !== "was-gone");
      if (failed === undefined && own.length > 0 && !own.includes(undefined)) removed.push(point.id);
      else failures.push(failureOf(failed, point, doing));
      const line = lines[index];
      const outcome = (failed ?? own[0])?.outcome ?? "failed";
      if (line !== undefined) await audit.append({ ...line, time: clock.now().toISOString(), outcome });
    }
  }
  return { removed, failures };
}

const batch = 50;

function failureOf(forgotten: Forgotten | undefined, point: RecoveryPoint, doing: string): Failure {
  const found = `restic says nothing of point ${point.id}`;
  return forgotten?.failure ?? { kind: "unknown-outcome", doing, found, remedy: "run it again" };
}

function lineOf(point: RecoveryPoint, run: string) {
  const [snapshot] = point.snapshots;
  return {
    run,
    job: point.job,
    point: point.id,
    snapshot: snapshot?.id ?? "",
    volume: snapshot?.volumeId ?? "",
    captured: point.captured.toISOString(),
  };
}
