import type { AuditedKey, AuditFacts, Found, Headroom } from "./audit-ports.ts";
import { mostRunning } from "./copies.ts";
import { counted } from "./counted.ts";
import { shellWord } from "./finding.ts";
import { unusable } from "./key-state.ts";

/** Keys without which existing snapshots are lost. */
export function judgeKeys({ keys }: AuditFacts): Found[] {
  return keys.flatMap((key) => {
    if (key.state === "Enabled") return [];
    return [key.state === undefined ? unread(key) : broken(key, key.state)];
  });
}

function broken({ arn, deletion, snapshots, volumes }: AuditedKey, state: string): Found {
  const used = `${counted(snapshots, "snapshot")} and ${counted(volumes, "volume")}`;
  const { goes, what, command } = unusable({ arn, state, deletion }, used);
  return {
    severity: "error",
    kind: "key",
    what,
    why: goes
      ? "after that day every backup that it encrypts is lost for ever, locked ones included"
      : "nothing that it encrypts can be restored or captured",
    command,
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
export function judgeQuota({ snapshots, quota: { limit, from, unread } }: AuditFacts): Found[] {
  const share = snapshots / limit;
  const findings: Found[] = [];
  if (share >= 0.8)
    findings.push({
      severity: share < 0.95 ? "warning" : "error",
      kind: "quota",
      what: `${snapshots} of the ${limit} snapshots that the Region may hold ${from === "default" ? "by AWS's default " : ""}are there (${Math.floor(share * 100)} %)`,
      why: "when it is full nobody can capture anything",
      advice: "remove what has expired, or ask AWS for more",
      command: "aws service-quotas get-service-quota --service-code ebs --quota-code L-309BACF6",
      about: [],
    });
  if (unread !== undefined)
    findings.push({
      severity: "note",
      kind: "unread",
      what: `how many snapshots the Region may hold could not be read, so AWS's default of ${limit} is taken: ${unread.found}`,
      why: "the account may have been given more",
      advice: "allow servicequotas:GetServiceQuota (ec2-backup policy audit), or say it with --quota",
      about: [],
    });
  return findings;
}

/** Copies are held to a number that AWS gives nobody more of, so it is told and not asked. */
export function headroomOf({ snapshots, quota: { limit, from } }: AuditFacts): Headroom {
  return { snapshots, quota: limit, from, copiesAtOnce: mostRunning };
}
