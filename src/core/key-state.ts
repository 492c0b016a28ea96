import { type Finding, shellWord } from "./finding.ts";

/** A KMS key and the volumes that are encrypted with it. */
export interface VolumeKey {
  readonly arn: string;
  readonly volumes: readonly string[];
  /** KMS's word: `Enabled`, `Disabled`, `PendingDeletion`, `PendingImport`, `Unavailable`, ... */
  readonly state: string;
  /** When a key that waits for its deletion goes. */
  readonly deletion?: Date;
}

/** Judges a key: without it neither a new snapshot nor any old one can be used. */
export function judgeKey({ arn, volumes, state, deletion }: VolumeKey): Finding[] {
  if (state === "Enabled") return [];
  const when = deletion === undefined ? "" : ` on ${deletion.toISOString().slice(0, 10)}`;
  const key = shellWord(arn);
  const goes = state === "PendingDeletion";
  return [
    {
      severity: "error",
      what: goes
        ? `the key of ${volumes.join(", ")} will be deleted${when}: ${arn}`
        : `the key of ${volumes.join(", ")} is ${state}: ${arn}`,
      why: goes
        ? "no snapshot can be made now, and after that day every snapshot of them is lost for ever"
        : "no snapshot of them can be made, and none can be restored",
      command: goes
        ? `aws kms cancel-key-deletion --key-id ${key} && aws kms enable-key --key-id ${key}`
        : state === "Disabled"
          ? `aws kms enable-key --key-id ${key}`
          : `aws kms describe-key --key-id ${key}`,
      kind: "refused",
    },
  ];
}
