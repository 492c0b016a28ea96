import { shellWord } from "./finding.ts";
import type { FoundSnapshot } from "./restore-ports.ts";

/** A KMS key as far as a restore goes by it; `state` is KMS's word, absent where nobody may ask. */
export interface RestoreKey {
  readonly arn: string;
  readonly state?: string;
  readonly deletion?: Date;
}

/** What is known beside a snapshot when it is judged. */
export interface ObstacleFacts {
  readonly region: string;
  readonly account: string;
  readonly now: Date;
  /** By ARN. */
  readonly keys: ReadonlyMap<string, RestoreKey>;
}

/** Something that stands between a snapshot and a volume, or is to be known before it is restored. */
export interface Obstacle {
  readonly snapshot: string;
  readonly volume: string;
  /** `blocks`: no volume can be made of it now. */
  readonly severity: "blocks" | "note";
  readonly found: string;
  /** A command, or how long to wait. */
  readonly remedy?: string;
}

type Judged = Pick<Obstacle, "severity" | "found" | "remedy">;

/**
 * Everything about a snapshot that keeps it from being restored now. A lock does not: a locked snapshot is restored
 * like any other (EBS user guide, "Amazon EBS snapshot lock").
 */
export function obstaclesOf(snapshot: FoundSnapshot, facts: ObstacleFacts): readonly Obstacle[] {
  const { id, volumeId: volume } = snapshot;
  const judged = [
    byState(snapshot, facts),
    byTier(snapshot, facts),
    byOwner(snapshot, facts),
    byKey(snapshot, facts),
  ];
  return judged.flatMap((one) => (one === undefined ? [] : [{ snapshot: id, volume, ...one }]));
}

function byState(snapshot: FoundSnapshot, { region, now }: ObstacleFacts): Judged | undefined {
  const { id, state, progress, startTime, stateMessage } = snapshot;
  const place = `--region ${shellWord(region)}`;
  switch (state) {
    case "completed":
      return undefined;
    case "pending": {
      const left = remaining(progress, now.getTime() - startTime.getTime());
      return {
        severity: "blocks",
        found: `its data is still being written${progress === undefined ? "" : ` (${Math.round(progress)} %)`}`,
        remedy: `wait${left === undefined ? "" : `, some ${left} at this pace`}: aws ec2 wait snapshot-completed ${place} --snapshot-ids ${id}`,
      };
    }
    case "error":
      return {
        severity: "blocks",
        found: `EC2 could not complete it${stateMessage === undefined ? "" : `: ${stateMessage}`}`,
        remedy: "it holds nothing that can be used: choose another point, see `ec2-backup restore list`",
      };
    case "recoverable":
      return {
        severity: "blocks",
        found: "it was deleted and lies in the Recycle Bin",
        remedy: `aws ec2 restore-snapshot-from-recycle-bin ${place} --snapshot-id ${id}`,
      };
    case "recovering":
      return {
        severity: "blocks",
        found: "it is being taken out of the Recycle Bin",
        remedy: "wait some minutes, then run this again",
      };
  }
}

/** "40 min"; only where enough is done to go by. */
function remaining(progress: number | undefined, elapsed: number): string | undefined {
  if (progress === undefined || progress < 5 || progress >= 100 || elapsed <= 0) return undefined;
  const minutes = Math.ceil((elapsed * (100 - progress)) / progress / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** An archived snapshot is read back for some days, within 72 hours (EBS user guide, "Restore an archived snapshot"). */
function byTier({ id, archived, restoredUntil }: FoundSnapshot, facts: ObstacleFacts): Judged | undefined {
  if (!archived) return undefined;
  const place = `--region ${shellWord(facts.region)}`;
  if (restoredUntil !== undefined && restoredUntil.getTime() > facts.now.getTime()) {
    return {
      severity: "note",
      found: `it is archived, and out of the archive until ${restoredUntil.toISOString()}`,
    };
  }
  return {
    severity: "blocks",
    found: "it is in the archive tier",
    remedy:
      `aws ec2 restore-snapshot-tier ${place} --snapshot-id ${id} --temporary-restore-days 7; ` +
      `it takes up to 72 h and is charged by the GiB: aws ec2 describe-snapshot-tier-status ${place} --filters Name=snapshot-id,Values=${id}`,
  };
}

function byOwner(
  { owner, encrypted, kmsKey }: FoundSnapshot,
  { account }: ObstacleFacts,
): Judged | undefined {
  if (owner === undefined || owner === account) return undefined;
  const shared = `it belongs to account ${owner} and is shared with this one`;
  if (!encrypted) return { severity: "note", found: shared };
  return {
    severity: "note",
    found: `${shared}, encrypted with the key ${kmsKey ?? "of that account"}`,
    remedy: `the policy of that key must allow account ${account} kms:Decrypt, kms:DescribeKey and kms:CreateGrant, and so must the role of this instance`,
  };
}

function byKey({ kmsKey }: FoundSnapshot, { keys }: ObstacleFacts): Judged | undefined {
  const key = kmsKey === undefined ? undefined : keys.get(kmsKey);
  return key === undefined ? undefined : judgeRestoreKey(key);
}

/**
 * Why a key cannot be used. EC2 looks at it only after it has answered: a volume that cannot be encrypted is made and
 * then goes away without a word (API reference, CreateVolume, KmsKeyId).
 */
function judgeRestoreKey({ arn, state, deletion }: RestoreKey): Judged | undefined {
  if (state === undefined || state === "Enabled") return undefined;
  const key = shellWord(arn);
  switch (state) {
    case "Disabled":
      return {
        severity: "blocks",
        found: `its key is disabled: ${arn}`,
        remedy: `aws kms enable-key --key-id ${key}`,
      };
    case "PendingDeletion":
      return {
        severity: "blocks",
        found: `its key is to be deleted${deletion === undefined ? "" : ` on ${deletion.toISOString().slice(0, 10)}`}, and with it all that it encrypts: ${arn}`,
        remedy: `aws kms cancel-key-deletion --key-id ${key} && aws kms enable-key --key-id ${key}`,
      };
    default:
      return {
        severity: "blocks",
        found: `its key cannot be used, it is ${state}: ${arn}`,
        remedy: `aws kms describe-key --key-id ${key}`,
      };
  }
}
