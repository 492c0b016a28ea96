import { cloudWatchSink } from "../../aws/cloudwatch.ts";
import { connectCloudWatch } from "../../aws/connection.ts";
import { keysOfVolumes } from "../../aws/volume-facts.ts";
import { BackupError } from "../../core/errors.ts";
import { type CheckResult, NotTestable, nothingFound } from "../../core/finding.ts";
import { judgeKey } from "../../core/key-state.ts";
import { askFor, type DoctorCheck } from "./check.ts";

/** Of its own name, so that no alarm goes by it. */
const doctorMetric = "Doctor";

export const metrics: DoctorCheck = {
  name: "metrics",
  about: "the permission to publish metrics (one real point)",
  why: "alarms for missed backups go by metrics: without them they ring for ever",
  command: "aws cloudwatch list-metrics --namespace EC2Backup",
  async run(ground) {
    const { namespace, enabled } = (await ground.force()).settings.metrics;
    if (!enabled) return nothingFound;
    if (!ground.given.metric)
      throw new NotTestable("cloudwatch:PutMetricData", "--no-metric: only a real point would show it");
    const { options, connection, identity } = await ground.reach("cloudwatch:PutMetricData");
    const sink = cloudWatchSink(connectCloudWatch(options, connection), namespace, ground.timeout * 4);
    const denied = await askFor({
      right: "cloudwatch:PutMetricData",
      change: { condition: { StringEquals: { "cloudwatch:namespace": namespace } } },
      why: "no metric arrives, so every alarm for missed backups rings for ever",
      ask: () =>
        sink.publish([{ name: doctorMetric, unit: "Count", value: 1 }], { Server: identity.instanceId }),
    });
    return denied === undefined ? nothingFound : { findings: [denied] };
  },
};

export const keys: DoctorCheck = {
  name: "keys",
  about: "the KMS keys of the encrypted volumes",
  why: "without its key a volume can neither be captured nor restored",
  command: "aws ec2 describe-volumes --query 'Volumes[].[VolumeId,KmsKeyId]'",
  async run(ground, signal) {
    const reach = await ground.reach("the KMS keys of the volumes");
    const { volumes } = await ground.found("the KMS keys of the volumes");
    const encrypted = volumes.filter((one) => one.encrypted).map(({ id }) => id);
    if (encrypted.length === 0) return nothingFound;
    const keyOf = await keysOfVolumes(reach.connection, encrypted, signal);
    const by = Map.groupBy(keyOf.keys(), (volume) => keyOf.get(volume) ?? "");
    const { keysOf } = await import("../../aws/key-state.ts");
    const kms = keysOf(reach.options, reach.connection.ec2.config.credentials);
    const all = await Promise.all(
      [...by].map(([arn, ids]) => judgeOne(arn, ids, () => kms.state(arn, signal))),
    );
    return {
      findings: all.flatMap(({ findings }) => findings),
      untested: all.flatMap(({ untested = [] }) => untested),
    };
  },
};

async function judgeOne(
  arn: string,
  volumes: readonly string[],
  ask: () => Promise<{ readonly state: string; readonly deletion?: Date }>,
): Promise<CheckResult> {
  try {
    return { findings: judgeKey({ arn, volumes, ...(await ask()) }) };
  } catch (error) {
    if (error instanceof BackupError && error.kind === "denied")
      return {
        findings: [],
        untested: [{ what: `the key of ${volumes.join(", ")}`, because: "kms:DescribeKey is not allowed" }],
      };
    if (!isGone(error)) throw error;
    return { findings: judgeKey({ arn, volumes, state: "gone" }) };
  }
}

/** KMS names what is not there in its own ways. */
function isGone(error: unknown): boolean {
  return error instanceof BackupError && /^(NotFoundException|InvalidKeyId)/.test(error.code ?? "");
}
