import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import type { Decoded } from "../shapes.ts";
import type { Snapshot } from "../world.ts";
import { notFound } from "./describing.ts";
import { ownSnapshot, snapshotId } from "./named-snapshot.ts";
import { operation } from "./operation.ts";
import {
  type LockMode,
  lockEnd,
  lockFacts,
  lockModes,
  lockStateOf,
  type SnapshotLock,
} from "./snapshot-lock.ts";

// What EC2 answers to a lock that it refuses is in no list of its errors: the codes here are UNVERIFIED, their
// status of a client's error is not. The rules are those of the docs (LockSnapshot; EBS guide, snapshot lock).

const day = 86_400_000;
const longestDays = 36_500;
const longestCoolOff = 72;

const parameters = {
  SnapshotId: "string",
  LockMode: "string",
  CoolOffPeriod: "integer",
  LockDuration: "integer",
  ExpirationDate: "string",
  DryRun: "boolean",
} as const;

type Input = Decoded<typeof parameters>;

/** Locks one snapshot that is pending or completed, or changes its lock as far as the lock allows it. */
export const lockSnapshot = operation({
  name: "LockSnapshot",
  changes: true,
  parameters,
  rate: () => ({ bucket: "LockSnapshot", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world, now } = context;
    const snapshot = lockable(input.SnapshotId, context);
    const lock = lockOf(input, now);
    if (snapshot.state !== "pending" && snapshot.state !== "completed") {
      const message = `The snapshot '${snapshot.id}' is in the state ${snapshot.state} and cannot be locked.`;
      throw new ApiError("IncorrectState", message);
    }
    const renewed = changed(snapshot, lock, now);
    return {
      resource: arnOf(world.settings, snapshot.id),
      commit() {
        snapshot.lock = renewed;
        return { snapshotId: snapshot.id, ...lockFacts(snapshot, now) };
      },
    };
  },
});

/** Takes off a lock in governance mode, or in compliance mode while it cools off. */
export const unlockSnapshot = operation({
  name: "UnlockSnapshot",
  changes: true,
  parameters: { SnapshotId: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "UnlockSnapshot", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world, now } = context;
    const snapshot = lockable(input.SnapshotId, context);
    const state = lockStateOf(snapshot, now);
    if (state === undefined || state === "expired")
      throw new ApiError("IncorrectState", `The snapshot '${snapshot.id}' is not locked.`);
    if (state === "compliance")
      throw new ApiError(
        "OperationNotPermitted",
        `The snapshot '${snapshot.id}' is locked in compliance mode.`,
      );
    return {
      resource: arnOf(world.settings, snapshot.id),
      commit() {
        snapshot.lock = null;
        return { snapshotId: snapshot.id };
      },
    };
  },
});

function arnOf({ partition, region }: { partition: string; region: string }, id: string): string {
  return `arn:${partition}:ec2:${region}::snapshot/${id}`;
}

/** A fault can play that a new snapshot is not known everywhere yet. */
function lockable(given: string | undefined, context: Context): Snapshot {
  if (faultOf(context, "partial") !== undefined) throw notFound("snap", snapshotId(given));
  return ownSnapshot(given, context);
}

function lockOf(input: Input, now: number): SnapshotLock {
  const { LockMode: mode, LockDuration: days, ExpirationDate: date, CoolOffPeriod: coolOff } = input;
  if (mode === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter lockMode");
  if (!lockModes.includes(mode as LockMode)) throw invalid("lockMode", mode, "governance or compliance");
  if ((days === undefined) === (date === undefined)) {
    const message = "Either LockDuration or ExpirationDate must be specified, but not both.";
    throw new ApiError("InvalidParameterCombination", message);
  }
  if (days !== undefined && (days < 1 || days > longestDays))
    throw invalid("lockDuration", days, `a value from 1 to ${longestDays}`);
  if (coolOff !== undefined && mode === "governance") {
    const message = "The parameter CoolOffPeriod cannot be used with the lock mode governance.";
    throw new ApiError("InvalidParameterCombination", message);
  }
  if (coolOff !== undefined && (coolOff < 1 || coolOff > longestCoolOff))
    throw invalid("coolOffPeriod", coolOff, `a value from 1 to ${longestCoolOff}`);
  const expiresOn = date === undefined ? null : Date.parse(date);
  if (expiresOn !== null && !(expiresOn >= now + day))
    throw invalid("expirationDate", date ?? "", "a date that is at least a day ahead");
  const kind = mode as LockMode;
  return { mode: kind, createdAt: now, days: days ?? null, expiresOn, coolOff: coolOff ?? null };
}

function invalid(name: string, value: string | number, expected: string): ApiError {
  const message = `Value (${value}) for parameter ${name} is invalid. Expecting ${expected}.`;
  return new ApiError("InvalidParameterValue", message);
}

/** The lock with which one is replaced: after its cooling-off a compliance lock can only be made longer. */
function changed(snapshot: Snapshot, wanted: SnapshotLock, now: number): SnapshotLock {
  const { lock } = snapshot;
  const state = lockStateOf(snapshot, now);
  if (lock === null || state === undefined || state === "expired") return wanted;
  // From when a changed duration counts is not documented: from the beginning of the lock, it is assumed.
  const renewed = { ...wanted, createdAt: lock.createdAt };
  if (state !== "compliance") return renewed;
  if (wanted.mode !== "compliance" || wanted.coolOff !== null) {
    const message = `The snapshot '${snapshot.id}' is locked in compliance mode, which cannot be changed.`;
    throw new ApiError("OperationNotPermitted", message);
  }
  const longer = { ...renewed, coolOff: lock.coolOff };
  const end = (one: SnapshotLock) =>
    lockEnd({ ...snapshot, completionTime: snapshot.completionTime ?? now, lock: one });
  if ((end(longer) ?? 0) < (end(lock) ?? 0))
    throw new ApiError("OperationNotPermitted", "A lock in compliance mode cannot be made shorter.");
  return longer;
}
