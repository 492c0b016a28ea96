import type { Tags } from "./instance.ts";

/** What is looked at of a snapshot. */
export interface MarkedSnapshot {
  readonly volumeId: string;
  readonly startTime: Date;
  readonly tags: Tags;
  /** Absent where it was not listed; tools that mark nothing else are not told then. */
  readonly description?: string;
}

/** When a tool would delete a snapshot of its own, in as far as the snapshot says so. */
interface ForeignExpiry {
  /** Absent where it never does, or goes by what is not written on the snapshot. */
  readonly at?: Date;
  /** In words: by what rule. */
  readonly by: string;
  /** How many days or points it keeps where only its own settings say so, and they are the usual ones. */
  readonly usual?: true;
}

/** A tool that makes snapshots, how to tell that one is its own, and when it would delete it. */
export interface ForeignTool {
  /** What `sweep adopt --from` calls it. */
  readonly id: string;
  readonly name: string;
  readonly made: (snapshot: MarkedSnapshot) => boolean;
  readonly expires: (snapshot: MarkedSnapshot) => ForeignExpiry;
  /** Shows what makes them. */
  readonly command: string;
  readonly advice: string;
  /** AWS makes and deletes them itself: what it does with them cannot be taken over. */
  readonly ofAws?: true;
  /** It marks what others have made, and makes none. */
  readonly marksOnly?: true;
}

const day = 86_400_000;

const has = (key: string) => (snapshot: MarkedSnapshot) => Object.hasOwn(snapshot.tags, key);

const says = (key: string, value: string) => (snapshot: MarkedSnapshot) =>
  Object.hasOwn(snapshot.tags, key) && snapshot.tags[key] === value;

const described = (shape: RegExp) => (snapshot: MarkedSnapshot) => shape.test(snapshot.description ?? "");

const elsewhere = (by: string): ForeignExpiry => ({ by });

/**
 * The marks that each tool writes, the surest first: what carries those of several is of the first. `aws:` tags are
 * written by AWS only.
 */
export const foreignTools: readonly ForeignTool[] = [
  {
    id: "dlm",
    name: "Amazon Data Lifecycle Manager",
    made: has("aws:dlm:lifecycle-policy-id"),
    expires: ({ tags }) => instantOr(tags["aws:dlm:expirationTime"], "its policy's count or age"),
    command: "aws dlm get-lifecycle-policies",
    advice: "leave this instance's tags out of the policy, or do without this agent here",
    ofAws: true,
  },
  {
    id: "aws-backup",
    name: "AWS Backup",
    made: has("aws:backup:source-resource"),
    expires: () => elsewhere("the lifecycle of its recovery point in the vault"),
    command: "aws backup list-protected-resources",
    advice: "take this instance out of the backup plan's selection, or do without this agent here",
    ofAws: true,
  },
  {
    id: "automate-backup",
    name: "ec2-automate-backup (tag CreatedBy=ec2-automate-backup)",
    made: (one) => says("CreatedBy", "ec2-automate-backup")(one) || has("PurgeAfterFE")(one),
    expires: purgeAfter,
    command: "crontab -l  # on the host of the tag InitiatingHost",
    advice: "end its cron job, then take its snapshots over with ec2-backup sweep adopt",
  },
  {
    id: "bash-snapshot",
    name: "aws-ec2-ebs-automatic-snapshot-bash (tag CreatedBy=AutomatedBackup)",
    made: says("CreatedBy", "AutomatedBackup"),
    expires: ({ startTime }) => usually(startTime, 7, "7 days after it was made, by the host itself"),
    command: "crontab -l  # on the instance itself",
    advice: "end its cron job, then take its snapshots over with ec2-backup sweep adopt",
  },
  {
    id: "ebs-snapshot-scheduler",
    name: "EBS Snapshot Scheduler (tag scheduler:ebs-snapshot...)",
    made: ({ tags }) => Object.keys(tags).some((key) => key.startsWith("scheduler:ebs-snapshot")),
    expires: ({ startTime, tags }) =>
      Object.entries(tags).some(
        ([key, value]) => key.startsWith("scheduler:ebs-snapshot") && value === "auto_delete",
      )
        ? usually(startTime, 15, "the purge time in its DynamoDB table, 15 days where nothing else was said")
        : elsewhere("never: it is not marked auto_delete"),
    command: "aws cloudformation describe-stacks --query 'Stacks[].StackName'",
    advice: "delete its stack, then take its snapshots over with ec2-backup sweep adopt",
  },
  {
    id: "shelvery",
    name: "shelvery (tags shelvery:...)",
    made: ({ tags }) =>
      Object.keys(tags).some((key) => /^shelvery:(name|retention_type|date_created)$/.test(key)),
    expires: shelveryExpiry,
    command:
      "aws lambda list-functions --query \"Functions[?contains(FunctionName,'shelvery')].FunctionName\"",
    advice: "end its schedule, then take its snapshots over with ec2-backup sweep adopt",
  },
  {
    id: "cloud-custodian",
    name: "Cloud Custodian (tag custodian_snapshot)",
    made: has("custodian_snapshot"),
    expires: () => elsewhere("the policies that delete, if there are any"),
    command: "custodian report",
    advice: "end its policy, then take its snapshots over with ec2-backup sweep adopt",
  },
  {
    id: "backup-monkey",
    name: "backup-monkey (description BACKUP_MONKEY)",
    made: described(/^BACKUP_MONKEY\b/),
    expires: () => elsewhere("count: all but the 3 newest of a volume, where nothing else was said"),
    command: "crontab -l  # where it runs",
    advice: "end its cron job, then take its snapshots over with ec2-backup sweep adopt",
  },
  {
    id: "snapshot-tool",
    name: "aws-snapshot-tool (description day_snapshot, week_snapshot, month_snapshot)",
    made: described(/^(?:day|week|month)_snapshot\b/),
    expires: ({ description = "" }) => {
      const kept = /^month/.test(description) ? 11 : 5;
      return elsewhere(`count: all but the ${kept} newest of their kind, where nothing else was said`);
    },
    command: "crontab -l  # where it runs",
    advice: "end its cron job, then take its snapshots over with ec2-backup sweep adopt",
  },
  {
    id: "ebs-snapshots-lambda",
    name: "aws-ebs-snapshots-lambda or a tool of its dialect (tags Type=Automated, DeleteOn)",
    made: (one) => has("DeleteOn")(one) && one.tags["Type"] === "Automated",
    expires: ({ tags }) =>
      Object.hasOwn(tags, "KeepForever")
        ? elsewhere("never: KeepForever")
        : dayOr(tags["DeleteOn"], "never: its DeleteOn is no date, or its day was missed"),
    command: "aws lambda list-functions --query 'Functions[].FunctionName'",
    advice: "it goes by the instance's tag Backup: give the Lambda another tag to go by, or remove it",
  },
  {
    id: "ebs-snapper",
    name: "ebs_snapper or a tool of its dialect (tag DeleteOn)",
    made: has("DeleteOn"),
    expires: ({ tags }) => dayOr(tags["DeleteOn"], "never: its DeleteOn is no date"),
    command: "ebs-snapper configure -l",
    advice: "take this instance out of its configuration",
  },
  {
    id: "janitor",
    name: "Janitor Monkey (tag janitor)",
    made: has("janitor"),
    expires: ({ tags }) =>
      tags["janitor"] === "donotmark"
        ? elsewhere("never: donotmark")
        : dayOr(tags["janitor"], "30 days without an image, and 7 business days' notice"),
    command: "curl $JANITOR/api/v1/janitor",
    advice: "it deletes and makes none: leave donotmark where a snapshot is to stay",
    marksOnly: true,
  },
  {
    id: "vss",
    name: "AWS's VSS documents (tag AppConsistent)",
    made: has("AppConsistent"),
    expires: () => elsewhere("never: who ran the document deletes them"),
    command: "aws ssm list-commands --filters key=DocumentName,value=AWSEC2-VssInstallAndSnapshot",
    advice: "let one of the two hold Windows still: the agent's vss, or the association of that document",
  },
];

/** The tool that made a snapshot, as far as its marks tell. */
export function toolOf(snapshot: MarkedSnapshot): ForeignTool | undefined {
  return foreignTools.find((tool) => tool.made(snapshot));
}

const markKeys =
  /^(?:aws:dlm:(?:lifecycle-policy-id|expirationTime)|aws:backup:source-resource|CreatedBy|Purge\w+|InitiatingHost|scheduler:ebs-snapshot.*|shelvery:(?:name|retention_type|date_created)|custodian_snapshot|Type|DeleteOn|KeepForever|janitor|AppConsistent)$/;

/** Of the tags of a snapshot those that tell its tool and its end: of a hundred thousand no more can be kept in mind. */
export function marksIn(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => markKeys.test(key)));
}

/** The beginning of a description, where it tells a tool. */
export function markIn(description: string | undefined): string | undefined {
  return /^(?:BACKUP_MONKEY|(?:day|week|month)_snapshot)\b/.exec(description ?? "")?.[0];
}

function purgeAfter({ tags }: MarkedSnapshot): ForeignExpiry {
  if (tags["PurgeAllow"] !== "true") return elsewhere("never: PurgeAllow is not true");
  const seconds = /^\d{1,11}$/.test(tags["PurgeAfterFE"] ?? "") ? Number(tags["PurgeAfterFE"]) : undefined;
  if (seconds !== undefined) return { at: new Date(seconds * 1_000), by: "PurgeAfterFE" };
  return dayOr(tags["PurgeAfter"], "never: it has no purge date");
}

/** Days that each kind stays where nothing else is configured: 14 days, 8 weeks, 12 months, 10 years. */
const shelvery: Readonly<Record<string, number>> = { daily: 14, weekly: 56, monthly: 365, yearly: 3_653 };

function shelveryExpiry({ startTime, tags }: MarkedSnapshot): ForeignExpiry {
  const kind = tags["shelvery:retention_type"] ?? "";
  const days = Object.hasOwn(shelvery, kind) ? shelvery[kind] : undefined;
  if (days === undefined) return elsewhere("its settings at the time of its clean-up");
  return usually(startTime, days, `its settings at the time of its clean-up, ${days} days for a ${kind} one`);
}

function usually(from: Date, days: number, by: string): ForeignExpiry {
  return { at: new Date(from.getTime() + days * day), by, usual: true };
}

function dayOr(text: string | undefined, otherwise: string): ForeignExpiry {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text ?? "") ? new Date(`${text}T00:00:00Z`) : undefined;
  // 2027-02-31 would be read as a day of March.
  const real = at !== undefined && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text ?? "");
  return real ? { at, by: `its date ${text}` } : elsewhere(otherwise);
}

function instantOr(text: string | undefined, otherwise: string): ForeignExpiry {
  const at = new Date(text ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? elsewhere(otherwise) : { at, by: `its expiration time ${text}` };
}
