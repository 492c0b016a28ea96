import type { XmlValue } from "../xml.ts";

export const lockModes = ["governance", "compliance"] as const;
export type LockMode = (typeof lockModes)[number];

/** A lock as it was asked for. Times are milliseconds. */
export interface SnapshotLock {
  mode: LockMode;
  createdAt: number;
  /** Null where it ends at a date. */
  days: number | null;
  expiresOn: number | null;
  /** Hours. */
  coolOff: number | null;
}

/** What of a snapshot decides on the state of its lock. */
export interface LockedSnapshot {
  lock: SnapshotLock | null;
  completionTime: number | null;
}

/** What a lock is now, in EC2's word. */
export type LockState = LockMode | "compliance-cooloff" | "expired";

const hour = 3_600_000;
const day = 24 * hour;

/** The lock of a scenario that names only its mode: it lasts as long as a lock can. */
export function lasting(mode: LockMode, createdAt: number): SnapshotLock {
  return { mode, createdAt, days: 36_500, expiresOn: null, coolOff: null };
}

/** "The lock duration starts only once the snapshot enters the `completed` state." Null until then. */
function lockStart({ lock, completionTime }: LockedSnapshot): number | null {
  return lock === null || completionTime === null ? null : Math.max(lock.createdAt, completionTime);
}

/** When the lock ends; null while nobody can tell. */
export function lockEnd(snapshot: LockedSnapshot): number | null {
  const { lock } = snapshot;
  if (lock === null) return null;
  const start = lockStart(snapshot);
  if (lock.expiresOn !== null) return lock.expiresOn;
  return start === null ? null : start + (lock.days ?? 0) * day;
}

/** When a compliance lock can no longer be taken off. */
function coolOffEnd({ createdAt, coolOff }: SnapshotLock): number {
  return createdAt + (coolOff ?? 0) * hour;
}

/** Undefined without a lock. */
export function lockStateOf(snapshot: LockedSnapshot, now: number): LockState | undefined {
  const { lock } = snapshot;
  if (lock === null) return undefined;
  const end = lockEnd(snapshot);
  if (end !== null && end <= now) return "expired";
  if (lock.mode === "compliance" && coolOffEnd(lock) > now) return "compliance-cooloff";
  return lock.mode;
}

/** What EC2 tells of a lock, in the order of its model. */
export function lockFacts(snapshot: LockedSnapshot, now: number): Record<string, XmlValue> {
  const { lock } = snapshot;
  const state = lockStateOf(snapshot, now);
  if (lock === null || state === undefined) return {};
  const [start, end] = [lockStart(snapshot), lockEnd(snapshot)];
  const days = lock.days ?? (start === null || end === null ? null : Math.ceil((end - start) / day));
  return {
    lockState: state,
    ...(days === null ? {} : { lockDuration: days }),
    ...(lock.coolOff === null
      ? {}
      : { coolOffPeriod: lock.coolOff, coolOffPeriodExpiresOn: new Date(coolOffEnd(lock)) }),
    lockCreatedOn: new Date(lock.createdAt),
    ...(start === null ? {} : { lockDurationStartTime: new Date(start) }),
    ...(end === null ? {} : { lockExpiresOn: new Date(end) }),
  };
}
