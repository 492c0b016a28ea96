import { askWithoutToken } from "../../aws/metadata-probe.ts";
import { failureOf, sentenceOf } from "../../core/errors.ts";
import type { CheckResult, Finding } from "../../core/finding.ts";
import { nothingFound } from "../../core/finding.ts";
import { judgeClock, judgeCredentials } from "../../core/session-facts.ts";
import type { DoctorCheck } from "./check.ts";
import { askFor } from "./check.ts";
import type { Ground } from "./ground.ts";

const notKnown = "without it nothing is known of the instance, and there are no credentials: every run fails";
const options = "aws ec2 modify-instance-metadata-options --instance-id INSTANCE";

export const metadata: DoctorCheck = {
  name: "metadata",
  about: "the instance metadata service (IMDSv2)",
  why: notKnown,
  command: `${options} --http-endpoint enabled --http-put-response-hop-limit 2`,
  async run(ground, signal): Promise<CheckResult> {
    const probe = askWithoutToken(ground.timeout, signal);
    try {
      const { instanceId } = await ground.identity();
      return (await probe) === "given" ? { findings: [versionOne(instanceId)] } : nothingFound;
    } catch (error) {
      return { findings: [silent(error, await probe)] };
    }
  },
};

function silent(error: unknown, probe: Awaited<ReturnType<typeof askWithoutToken>>): Finding {
  const { kind, found, doing, remedy } = failureOf(error, "read the instance metadata");
  const isOff = /\(403\)/.test(found);
  // Only the answer that carries the token is limited in its hops: all others come through.
  const isLimited = !isOff && probe !== "silent";
  return {
    severity: "error",
    what: isLimited
      ? "the metadata service is reached, but the answer with the token does not come back: the hop limit is too small"
      : sentenceOf({ kind, doing, found }),
    why: notKnown,
    ...(remedy === undefined || isLimited ? {} : { advice: remedy }),
    command: isLimited
      ? `${options} --http-put-response-hop-limit 2`
      : isOff
        ? `${options} --http-endpoint enabled`
        : "curl -sS -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token",
    kind: "unreachable",
  };
}

function versionOne(instanceId: string): Finding {
  return {
    severity: "note",
    what: "the metadata service also answers requests without a token (IMDSv1)",
    why: "whoever makes any program here fetch a URL gets this role's credentials; the agent needs version 2 only",
    command: `aws ec2 modify-instance-metadata-options --instance-id ${instanceId} --http-tokens required`,
  };
}

export const credentials: DoctorCheck = {
  name: "credentials",
  about: "the credentials of the instance's role",
  why: "without credentials every request to AWS is refused",
  command:
    "aws ec2 describe-iam-instance-profile-associations --filters Name=instance-id,Values=INSTANCE; aws sts get-caller-identity",
  async run(ground) {
    return { findings: judgeCredentials(await ground.credentials()) };
  },
};

export const instance: DoctorCheck = {
  name: "instance",
  about: "the instance's tags and volumes",
  why: "which volumes are captured, and whether at all, goes by them: every run fails",
  command: "aws ec2 describe-instances --instance-ids INSTANCE",
  async run(ground) {
    const denied = await askFor({
      right: "ec2:DescribeInstances",
      why: "tags and volumes cannot be read: every run ends with exit code 77",
      ask: () => ground.discovery(),
    });
    if (denied === undefined) return nothingFound;
    const both = denied.what.includes("ec2:DescribeVolumes");
    const command = both ? denied.command.replaceAll("DescribeInstances", "DescribeVolumes") : denied.command;
    return { findings: [{ ...denied, command }] };
  },
};

export const clock: DoctorCheck = {
  name: "clock",
  about: "this host's clock against AWS's",
  why: "AWS refuses requests whose time is off by more than 5 minutes",
  command: "timedatectl status",
  async run(ground: Ground) {
    const { asOf } = await ground.found("the clock");
    return { findings: asOf === undefined ? [] : judgeClock(Date.now() - asOf.getTime()) };
  },
};
