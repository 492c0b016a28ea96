import type { AuditedKey, AuditFacts, AuditRules, Found } from "./audit-ports.ts";
import { counted } from "./counted.ts";
import { shellWord } from "./finding.ts";

/** Keys without which existing snapshots are lost. */
export function judgeKeys({ keys }: AuditFacts): Found[] {
  return keys.flatMap((key) => {
    if (key.state === "Enabled") return [];
    return [key.state === undefined ? unread(key) : broken(key, key.state)];
  });
}

function broken({ arn, deletion, snapshots, volumes }: AuditedKey, state: string): Found {
  const goes = state === "PendingDeletion";
  const when = deletion === undefined ? "" : ` on ${deletion.toISOString().slice(0, 10)}`;
  const word = shellWord(arn);
  const used = `${counted(snapshots, "snapshot")} and ${counted(volumes, "volume")}`;
  return {
    severity: "error",
    kind: "key",
    what: goes
      ? `the key of ${used} will be deleted${when}: ${arn}`
      : `the key of ${used} is ${state}: ${arn}`,
    why: goes
      ? "after that day every backup that it encrypts is lost for ever, locked ones included"
      : "nothing that it encrypts can be restored or captured",
    command: goes
      ? `aws kms cancel-key-deletion --key-id ${word} && aws kms enable-key --key-id ${word}`
      : state === "Disabled"
        ? `aws kms enable-key --key-id ${word}`
        : `aws kms describe-key --key-id ${word}`,
    about: [arn],
  };
}

function unread({ arn, snapshots }: AuditedKey): Found {
  return {
    severity: "note",
    kind: "unread",
    what: `the state of the key of ${counted(snapshots, "snapshot")} may not be read: ${arn}`,
    why: "whether it is about to be deleted is unknown",
    advice: "allow kms:DescribeKey (ec2-backup policy audit); another account's key must allow it, too",
    command: `aws kms describe-key --key-id ${shellWord(arn)}`,
    about: [arn],
  };
}

/** Data in the clear. */
export function judgeEncryption({ volumes, unencryptedSnapshots }: AuditFacts): Found[] {
  const clear = volumes.filter(({ encrypted }) => !encrypted);
  const parts = [
    ...(clear.length === 0 ? [] : [counted(clear.length, "volume")]),
    ...(unencryptedSnapshots === 0 ? [] : [counted(unencryptedSnapshots, "snapshot")]),
  ];
  if (parts.length === 0) return [];
  const one = clear.length + unencryptedSnapshots === 1;
  return [
    {
      severity: "note",
      kind: "unencrypted",
      what: `${parts.join(" and ")} ${one ? "is" : "are"} not encrypted`,
      why: "whoever may share a snapshot may give all that is in it away",
      advice: "let new volumes be encrypted; a volume that there is becomes so by a copy of its snapshot",
      command: "aws ec2 enable-ebs-encryption-by-default",
      about: clear.map(({ id }) => id),
    },
  ];
}

/** How near a Region is to the snapshots that it may hold: when it is full, no backup can be made. */
export function judgeQuota({ snapshots }: AuditFacts, { quota }: AuditRules): Found[] {
  const share = snapshots / quota;
  if (share < 0.8) return [];
  return [
    {
      severity: share < 0.95 ? "warning" : "error",
      kind: "quota",
      what: `${snapshots} of the ${quota} snapshots that the Region may hold are there (${Math.floor(share * 100)} %)`,
      why: "when it is full nobody can capture anything",
      advice: "remove what has expired, or ask AWS for more",
      command:
        "aws service-quotas list-service-quotas --service-code ebs --query \"Quotas[?QuotaName=='Snapshots per Region']\"",
      about: [],
    },
  ];
}
