import { PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { CreateSnapshotsCommand, CreateVolumeCommand, DescribeSnapshotsCommand } from "@aws-sdk/client-ec2";
import { alarmPrefix } from "../clean.ts";
import type { Lab } from "../lab.ts";
import { answered, type Question, refusalOf, unasked } from "../question.ts";

const dryCapture = (lab: Lab, InstanceId: string) =>
  refusalOf(() =>
    lab.ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId },
        TagSpecifications: [{ ResourceType: "snapshot", Tags: lab.tags() }],
        DryRun: true,
      }),
    ),
  );

const bound: Question = {
  id: "bound-to-itself",
  asks: "does a policy that holds ec2:SourceInstanceARN against the key ec2:InstanceID let an instance capture itself?",
  how: "CreateSnapshots of this instance as a dry run, under the statement CaptureItself",
  assumes: "yes: DryRunOperation",
  async ask(lab) {
    const refused = await dryCapture(lab, lab.identity.instanceId);
    const got = refused === undefined ? "no refusal to a dry run" : `${refused.code} (${refused.status})`;
    return answered(refused?.code === "DryRunOperation", got, refused);
  },
};

const missing: Question = {
  id: "dry-run-of-nobody",
  asks: "what is the answer to a dry run for an instance that is not there?",
  how: "CreateSnapshots of i-00000000000000000 as a dry run",
  assumes: "InvalidInstanceID.NotFound or UnauthorizedOperation; never DryRunOperation",
  async ask(lab) {
    const refused = await dryCapture(lab, "i-00000000000000000");
    const { code = "no refusal", status } = refused ?? {};
    const holds = /^(InvalidInstanceID\.NotFound|UnauthorizedOperation)$/.test(code);
    return answered(holds, `${code} (${status})`, refused);
  },
};

const denied: Question = {
  id: "status-of-denials",
  asks: "which HTTP status has UnauthorizedOperation?",
  how: "CreateVolume without the tags that the policy wants, as a dry run",
  assumes: "403",
  async ask(lab) {
    const command = new CreateVolumeCommand({ AvailabilityZone: lab.identity.zone, Size: 1, DryRun: true });
    const refused = await refusalOf(() => lab.ec2.send(command));
    if (refused?.code !== "UnauthorizedOperation")
      return unasked(`the role may do it (${refused?.code}): use the printed policy alone`, refused);
    return answered(refused.status === 403, `${refused.code} (${refused.status})`, refused);
  },
};

const pages: Question = {
  id: "page-sizes",
  asks: "which values of MaxResults does DescribeSnapshots take?",
  how: "DescribeSnapshots with 4, 5, 1000 and 1001",
  assumes: "5 to 1000; the agent asks for 1000",
  async ask(lab) {
    const answers: Record<string, string> = {};
    for (const MaxResults of [4, 5, 1_000, 1_001]) {
      const command = new DescribeSnapshotsCommand({ OwnerIds: ["self"], MaxResults });
      const refused = await refusalOf(() => lab.ec2.send(command));
      answers[MaxResults] = refused === undefined ? "taken" : `${refused.code} (${refused.status})`;
    }
    const got = Object.entries(answers).map(([size, answer]) => `${size} ${answer}`);
    return answered(answers["5"] === "taken" && answers["1000"] === "taken", got.join(", "), answers);
  },
};

const wallClock: Question = {
  id: "wall-clock-alarms",
  asks: "does CloudWatch take alarms with WallClockWindow and WarmUpConfiguration in this region?",
  how: "PutMetricAlarm without actions, about a metric that nobody sends",
  assumes: "yes; where not, alarms are made without them",
  async ask(lab) {
    const command = new PutMetricAlarmCommand({
      AlarmName: `${alarmPrefix(lab)}${lab.options.run}`,
      Namespace: "ec2-backup-live",
      MetricName: "Nothing",
      Statistic: "Maximum",
      ComparisonOperator: "GreaterThanThreshold",
      Threshold: 1,
      Period: 86_400,
      EvaluationPeriods: 1,
      ActionsEnabled: false,
      EvaluationWindow: { WallClockWindow: { Timezone: "UTC" } },
      WarmUpConfiguration: { WarmUpPeriodDurationInMinutes: 60 },
    } as never);
    const refused = await refusalOf(() => lab.cloudwatch.send(command));
    return answered(refused === undefined, refused ? `${refused.code}: ${refused.message}` : "yes", refused);
  },
};

const foreign: Question = {
  id: "tags-of-other-tools",
  asks: "by which tags are snapshots of AWS Backup and of Data Lifecycle Manager known?",
  how: "DescribeSnapshots by the keys aws:backup:* and aws:dlm:*",
  assumes: "aws:backup:source-resource and aws:dlm:lifecycle-policy-id",
  async ask(lab) {
    const Filters = [{ Name: "tag-key", Values: ["aws:backup:*", "aws:dlm:*"] }];
    const command = new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters, MaxResults: 100 });
    const { Snapshots = [] } = await lab.ec2.send(command);
    if (Snapshots.length === 0) return unasked("this account has no snapshots of theirs in this region");
    const keys = Snapshots.flatMap(({ Tags = [] }) => Tags.map(({ Key = "" }) => Key));
    const theirs = [...new Set(keys.filter((key) => /^aws:(backup|dlm):/.test(key)))].sort();
    const known = ["aws:backup:source-resource", "aws:dlm:lifecycle-policy-id"];
    const strange = Snapshots.filter(({ Tags = [] }) => !Tags.some(({ Key = "" }) => known.includes(Key)));
    return answered(strange.length === 0, theirs.join(", "), { keys: theirs, without: strange.length });
  },
};

export const aboutRequests: readonly Question[] = [bound, missing, denied, pages, wallClock, foreign];
