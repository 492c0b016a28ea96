import { cloudWatchAlarms } from "../../aws/alarms.ts";
import { connectCloudWatch } from "../../aws/connection.ts";
import type { Identity } from "../../aws/metadata.ts";
import { alarmPrefix, type FoundAlarm } from "../../core/alarm.ts";
import { BackupError } from "../../core/errors.ts";
import {
  type CheckResult,
  type Finding,
  nothingFound,
  shellWord,
  type Untested,
} from "../../core/finding.ts";
import { isKeyOfAws, type JudgedTopic, judgePlace, judgeTopic } from "../../core/judge-topic.ts";
import { namedTopic } from "../../core/topic.ts";
import { StateDirectory } from "../../host/state.ts";
import { alarmFindings } from "../alarm-findings.ts";
import { alarmRequest } from "../alarms-session.ts";
import type { DoctorCheck } from "./check.ts";
import type { DoctorOptions, Ground } from "./ground.ts";
import type { Reach } from "./reach.ts";

export const alarms: DoctorCheck = {
  name: "alarms",
  about: "the alarms of this instance, and whether they tell anybody",
  why: "a backup that is missed is noticed by nobody",
  command: "ec2-backup alarms plan",
  async run(ground, signal) {
    const force = await ground.force();
    // Where nothing is to be backed up there is nothing to miss.
    if (force.protection !== "configured") return nothingFound;
    const what = "the alarms of this instance";
    const reach = await ground.reach(what);
    const { given } = ground;
    const discovery = await ground.found(what);
    const state = await StateDirectory.open(given.stateDirectory, reach.identity.instanceId);
    const request = await alarmRequest({ ...reach, discovery, state, force, loaded: given.loaded });
    try {
      return { findings: alarmFindings(await alarmsOf(reach, ground, signal), request, force) };
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind !== "denied") throw error;
      return { findings: [], untested: [{ what, because: "cloudwatch:DescribeAlarms is not allowed" }] };
    }
  },
};

function alarmsOf(
  { options, connection, identity }: Reach,
  { timeout }: Ground,
  signal: AbortSignal,
): Promise<readonly FoundAlarm[]> {
  const client = connectCloudWatch(options, connection);
  return cloudWatchAlarms(client, timeout * 4, signal).find(alarmPrefix(identity.instanceId));
}

interface NamedTopic {
  readonly arn: string;
  /** Whether CloudWatch is to publish to it, or this agent itself. */
  readonly alarms: boolean;
}

/** The topics that the configuration file names; one that `alarms apply` makes lies beside the instance. */
function topicsIn({ loaded }: DoctorOptions, place: Identity): NamedTopic[] {
  if (loaded.ok !== true) return [];
  const { alarms: named = {}, notify } = loaded.file.config;
  const ofAlarms = namedTopic(named, place);
  const ofNotices = notify?.topic;
  return [
    ...(ofAlarms === undefined ? [] : [{ arn: ofAlarms, alarms: true }]),
    ...(ofNotices === undefined || ofNotices === ofAlarms ? [] : [{ arn: ofNotices, alarms: false }]),
  ];
}

export const topics: DoctorCheck = {
  name: "topics",
  about: "the SNS topics of alarms and notices",
  why: "an alarm that reaches nobody is none",
  command: "aws sns list-topics",
  async run(ground, signal) {
    const reach = await ground.reach("the SNS topics");
    const named = topicsIn(ground.given, reach.identity);
    const all = await Promise.all(named.map((one) => lookAtTopic(one, reach, signal)));
    return {
      findings: all.flatMap(({ findings }) => findings),
      untested: all.flatMap(({ untested = [] }) => untested),
    };
  },
};

async function lookAtTopic(
  { arn, alarms: ofAlarms }: NamedTopic,
  { options, connection, identity }: Reach,
  signal: AbortSignal,
): Promise<CheckResult> {
  const elsewhere = ofAlarms ? judgePlace(arn, identity) : [];
  if (elsewhere.length > 0) return { findings: elsewhere };
  const there = { ...options, region: arn.split(":")[3] || options.region };
  const credentials = connection.ec2.config.credentials;
  const untested: Untested[] = ofAlarms
    ? []
    : [{ what: `sns:Publish to ${arn}`, because: "only a real message would show it" }];
  try {
    const { connectSns, topicAttributes } = await import("../../aws/topic-attributes.ts");
    const client = connectSns(there, credentials);
    const found = await topicAttributes(client, arn, options.requestTimeout * 4, signal);
    if (found === undefined) return { findings: [noTopic(arn)], untested: [] };
    const topic: JudgedTopic = {
      arn,
      ...found,
      ...(await keyPolicyOf(found.kmsKey, { options: there, credentials }, signal)),
    };
    if (topic.kmsKey !== undefined && topic.keyPolicy === undefined && !isKeyOfAws(topic.kmsKey))
      untested.push({
        what: `the policy of the key of ${arn}`,
        because: "kms:DescribeKey or kms:GetKeyPolicy is not allowed",
      });
    // The agent publishes by its role, and to any region: what CloudWatch may does not matter.
    const findings = judgeTopic(topic, identity);
    return {
      findings: ofAlarms ? findings : findings.filter(({ what }) => /subscription/.test(what)),
      untested,
    };
  } catch (error) {
    if (error instanceof BackupError && error.kind === "denied")
      return {
        findings: [],
        untested: [{ what: `the topic ${arn}`, because: "sns:GetTopicAttributes is not allowed" }],
      };
    throw error;
  }
}

function noTopic(arn: string): Finding {
  return {
    severity: "error",
    what: `there is no topic ${arn}`,
    why: "alarms and notices reach nobody",
    command: `aws sns create-topic --name ${shellWord(arn.split(":").at(-1) ?? "")}`,
  };
}

async function keyPolicyOf(
  key: string | undefined,
  {
    options,
    credentials,
  }: Pick<Reach, "options"> & { credentials: Reach["connection"]["ec2"]["config"]["credentials"] },
  signal: AbortSignal,
): Promise<{ keyPolicy?: string }> {
  if (key === undefined || isKeyOfAws(key)) return {};
  try {
    const { keysOf } = await import("../../aws/key-state.ts");
    return { keyPolicy: await keysOf(options, credentials).policy(key, signal) };
  } catch (error) {
    if (error instanceof BackupError && ["denied", "refused"].includes(error.kind)) return {};
    throw error;
  }
}
