import type { Identity } from "../../src/aws/metadata.ts";
import { instanceTag, runTag } from "./lab.ts";

/** What the instance's role needs for this, and nothing more; to be taken away afterwards. */
export function livePolicy({ partition, region, account }: Identity): object {
  const arn = (kind: string, owner = account) => `arn:${partition}:ec2:${region}:${owner}:${kind}/*`;
  const self = `\${ec2:SourceInstanceARN}`;
  const own = { StringEquals: { [`aws:ResourceTag/${instanceTag}`]: self } };
  const born = { [`aws:RequestTag/${instanceTag}`]: self };
  const bound = {
    ArnLike: { "ec2:SourceInstanceARN": `arn:${partition}:ec2:*:${account}:instance/\${ec2:InstanceID}` },
  };
  const allow = (
    Sid: string,
    Action: string | string[],
    Resource: string | string[],
    Condition?: object,
  ) => ({
    Sid,
    Effect: "Allow",
    Action,
    Resource,
    ...(Condition && { Condition }),
  });
  return {
    Version: "2012-10-17",
    Statement: [
      allow(
        "Look",
        [
          "ec2:DescribeInstances",
          "ec2:DescribeVolumes",
          "ec2:DescribeSnapshots",
          "cloudwatch:DescribeAlarms",
        ],
        "*",
      ),
      allow("CaptureItself", "ec2:CreateSnapshots", arn("instance"), bound),
      allow("CaptureOwnVolumes", "ec2:CreateSnapshots", arn("volume")),
      allow("CaptureAsItself", "ec2:CreateSnapshots", arn("snapshot", ""), { StringEquals: born }),
      allow("MakeVolumes", "ec2:CreateVolume", arn("volume"), { StringEquals: born }),
      allow("TagVolumesAtBirth", "ec2:CreateTags", arn("volume"), {
        StringEquals: { "ec2:CreateAction": "CreateVolume", ...born },
      }),
      allow("TagSnapshotsAtBirth", "ec2:CreateTags", arn("snapshot", ""), {
        StringEquals: { "ec2:CreateAction": "CreateSnapshots", ...born },
        // Not the tag that only a volume has: whether it counts when it is copied is a question.
        "ForAllValues:StringEquals": { "aws:TagKeys": [runTag, instanceTag] },
      }),
      allow("AttachVolumes", ["ec2:AttachVolume", "ec2:DetachVolume"], arn("instance"), bound),
      allow("AttachOwnVolumes", ["ec2:AttachVolume", "ec2:DetachVolume"], arn("volume"), own),
      allow("TakeVolumesAway", "ec2:DeleteVolume", arn("volume"), own),
      allow(
        "TakeSnapshotsAway",
        ["ec2:DeleteSnapshot", "ec2:LockSnapshot", "ec2:UnlockSnapshot"],
        arn("snapshot", ""),
        own,
      ),
      allow(
        "TryAnAlarm",
        ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
        `arn:${partition}:cloudwatch:${region}:${account}:alarm:ec2-backup-live-*`,
      ),
    ],
  };
}

/** US dollars, us-east-1, November 2026, rounded up: a GiB-month of gp3 0.08, of snapshots 0.05, an alarm-month 0.10. */
export function costOf(volumes: number): { readonly text: string; readonly most: number } {
  const hour = 1 / 730;
  const most = Math.ceil((volumes * (0.08 + 2 * 0.05) + 0.1) * hour * 100) / 100;
  return { most, text: `less than $${most.toFixed(2)} (an hour of ${volumes} GiB gp3, snapshots, an alarm)` };
}
