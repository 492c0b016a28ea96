import { LockSnapshotCommand } from "@aws-sdk/client-ec2";
import type { LockWish } from "../core/lock.ts";
import type { SnapshotLocks } from "../core/lock-ports.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { locksOf } from "./holds.ts";
import { rehearsed } from "./rehearsed.ts";

/**
 * Locks by EC2. One that is pending may be locked as well, and its days begin when it is complete (EBS guide, snapshot
 * lock considerations). By its duration, since that is what a policy can bound (ec2:SnapshotLockDuration).
 */
export function snapshotLocks(connection: Connection): SnapshotLocks {
  return {
    async locked(ids, signal) {
      const locks = await locksOf(connection, ids, signal);
      return locks && new Set(locks.keys());
    },
    async lock(id, wish, signal) {
      await call(connection, `lock ${id}`, signal, (abortSignal) =>
        connection.ec2.send(commandOf(id, wish), { abortSignal }),
      );
    },
  };
}

/** Asks EC2 whether it would allow such a lock; locks nothing. A refusal is thrown as what it is. */
export async function rehearseLock(
  connection: Connection,
  id: string,
  wish: LockWish,
  signal: AbortSignal,
): Promise<void> {
  const doing = `rehearse the lock of ${id}`;
  await rehearsed(doing, () =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(commandOf(id, wish, true), { abortSignal }),
    ),
  );
}

function commandOf(SnapshotId: string, { mode, days, coolOff }: LockWish, rehearsal = false) {
  return new LockSnapshotCommand({
    ...(rehearsal ? { DryRun: true } : {}),
    SnapshotId,
    LockMode: mode,
    LockDuration: days,
    ...(coolOff === undefined ? {} : { CoolOffPeriod: coolOff }),
  });
}
