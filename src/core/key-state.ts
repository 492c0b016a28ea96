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
  const { goes, what, command } = unusable({ arn, state, deletion }, volumes.join(", "));
  return [
    {
      severity: "error",
      what,
      why: goes
        ? "no snapshot can be made now, and after that day every snapshot of them is lost for ever"
        : "no snapshot of them can be made, and none can be restored",
      command,
      kind: "refused",
    },
  ];
}

/** Says what is wrong with a key that is not enabled, and what mends it. `used`: what is encrypted with it. */
export function unusable(
  {
    arn,
    state,
    deletion,
  }: { readonly arn: string; readonly state: string; readonly deletion: Date | undefined },
  used: string,
): { readonly goes: boolean; readonly what: string; readonly command: string } {
  const when = deletion === undefined ? "" : ` on ${deletion.toISOString().slice(0, 10)}`;
  const key = shellWord(arn);
  if (state === "PendingDeletion") {
    const command = `aws kms cancel-key-deletion --key-id ${key} && aws kms enable-key --key-id ${key}`;
    return { goes: true, what: `the key of ${used} will be deleted${when}: ${arn}`, command };
  }
  const verb = state === "Disabled" ? "enable-key" : "describe-key";
  const command = `aws kms ${verb} --key-id ${key}`;
  return { goes: false, what: `the key of ${used} is ${state}: ${arn}`, command };
}
