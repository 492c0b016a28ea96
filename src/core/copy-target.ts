import type { Tags } from "./instance.ts";
import { regionName } from "./region-name.ts";
import { parsePolicy, type RetentionPolicy, rulesOf } from "./retention-policy.ts";

/** Another Region that the points of a job are copied to. */
export interface CopyTarget {
  readonly region: string;
  /** The key there that copies are encrypted with; absent = as the source and the Region have it. */
  readonly kmsKeyId?: string;
  /** How long copies are kept there; absent = as long as points are kept here. */
  readonly retention?: RetentionPolicy;
  /** Minutes in which EC2 promises to complete a copy, for a price; absent = when it comes to it. */
  readonly completeWithin?: number;
}

/** The policy that thins the copies in a Region. */
export function policyThere(
  job: { readonly retention: RetentionPolicy },
  target: CopyTarget,
): RetentionPolicy {
  return target.retention ?? job.retention;
}

/** Where a point is to be copied to, for who copies in place of its instance. */
export const copyTag = "ec2-backup:copy";
/** EC2 takes tag values of so many characters. */
const longest = 256;

/**
 * The targets as a tag that each point records: Regions, each with what is special of it behind it, such as
 * `eu-west-1 us-east-1 key=alias/backup within=15 keep=daily=7+monthly=12`. None where it does not fit.
 */
export function copyTagOf(targets: readonly CopyTarget[]): Tags {
  const value = targets.map(wordsOf).join(" ");
  return value === "" || value.length > longest ? {} : { [copyTag]: value };
}

function wordsOf({ region, kmsKeyId, retention, completeWithin }: CopyTarget): string {
  const words = [region];
  if (kmsKeyId !== undefined) words.push(`key=${kmsKeyId}`);
  if (completeWithin !== undefined) words.push(`within=${completeWithin}`);
  if (retention !== undefined) words.push(`keep=${rulesOf(retention).join("+")}`);
  return words.join(" ");
}

/**
 * Reads what {@link copyTagOf} wrote; `policy` is that of the point, whose zone and demands hold for the copies too.
 * Nothing for text that is not wholly understood.
 */
export function targetsOfTag(tags: Tags, policy: RetentionPolicy): readonly CopyTarget[] | undefined {
  const targets: { -readonly [K in keyof CopyTarget]: CopyTarget[K] }[] = [];
  for (const word of (tags[copyTag] ?? "").split(" ").filter((part) => part !== "")) {
    const [, key = "", value = ""] = /^(key|within|keep)=(.*)$/.exec(word) ?? [];
    const target = targets.at(-1);
    if (key === "" && regionName.test(word)) targets.push({ region: word });
    else if (target === undefined) return undefined;
    else if (key === "key" && value !== "") target.kmsKeyId = value;
    else if (key === "within" && /^\d{2,4}$/.test(value)) target.completeWithin = Number(value);
    else if (key === "keep") {
      const { timezone, demanded, shrinkDelay } = policy;
      const rest = `zone=${timezone} demanded=${demanded} delay=${shrinkDelay}ms`;
      const kept = parsePolicy(`${value.replaceAll("+", " ")} ${rest}`);
      if (kept === undefined) return undefined;
      target.retention = kept;
    } else return undefined;
  }
  return targets;
}
