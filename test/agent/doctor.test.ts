import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { DoctorOptions } from "../../src/agent/doctor/ground.ts";
import { exitCodeOfFindings, type Severity } from "../../src/core/finding.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { soon } from "../fakes/soon.ts";
import { instance, scenarioOf } from "../system/history.ts";
import {
  disableAlarms,
  healthyHost,
  key,
  noticed,
  type Patient,
  type PlantedTopic,
  plantTopic,
  topic,
  withTopic,
} from "./doctor-host.ts";

const vol = "vol-00000000000000000";

interface Planted {
  readonly scenario?: Partial<Scenario>;
  readonly plant?: (patient: Patient) => unknown;
  readonly options?: Partial<DoctorOptions>;
  /** The one finding: its check, its severity, what it says and the command that mends it. */
  readonly check: string;
  readonly severity?: Severity;
  readonly what: RegExp;
  readonly command: RegExp;
  readonly code: number;
}

const denied = (action: string, more: object = {}) => ({ deny: [{ action, ...more }] });
const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
const hook = (words: string) =>
  `${noticed}jobs: { default: { waits: { request: 10s }, hooks: [{ command: { before: ${words} } }] } }\n`;
/** Volumes whose key AWS does not know. */
const encryptedWith = (kmsKeyId: string): Partial<Scenario> => ({
  volumes: (scenarioOf(2, 3).volumes ?? []).map((one) => ({ ...one, encrypted: true, kmsKeyId })),
});
/** A topic's policy that lets nobody but another service publish. */
const ofOthers = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Principal: { Service: "events.amazonaws.com" },
      Action: "sns:Publish",
      Resource: topic,
    },
  ],
});
const foreign = (tags: Record<string, string>): Partial<Scenario> => ({
  images: [],
  snapshots: [{ volumeId: vol, startTime: hourAgo, tags }],
});

/** Alarms that tell somebody. */
async function watched(patient: Patient): Promise<void> {
  patient.configure(
    `${noticed}jobs: { default: { schedule: "${soon}", waits: { request: 10s } } }\nalarms: { topic: ${topic} }\n`,
  );
  await plantTopic(patient);
  await patient.applyAlarms();
}

const faults: Readonly<Record<string, Planted>> = {
  "a broken configuration file": {
    plant: (one) => one.configure("version: 1\njobs: { default: { retentoin: { last: 3 } } }\n"),
    check: "configuration",
    what: /retentoin/,
    command: /^ec2-backup check-config$/,
    code: 78,
  },
  "a faulty tag": {
    scenario: { instances: [{ id: instance.id, tags: { Backup: "yes", Retention: "seven" } }] },
    check: "configuration",
    what: /Retention.*seven/,
    command: /check-config/,
    code: 78,
  },
  "an age that no alarm can tell": {
    plant: (one) =>
      one.configure(
        `version: 1\njobs: { q: { schedule: "0 2 * * *", missedAfter: 20h } }\nnotify: { ping: { url: https://example.org/ping } }\n`,
      ),
    check: "configuration",
    severity: "warning",
    what: /^jobs\.q\.missedAfter: .*at least 25h/,
    command: /^ec2-backup check-config$/,
    code: 1,
  },
  "an instance that nobody protects": {
    scenario: { instances: [{ id: instance.id }] },
    options: { loaded: { absent: true } },
    check: "configuration",
    severity: "warning",
    what: /not protected/,
    command: /create-tags .*Key=Backup,Value=yes/,
    code: 1,
  },
  "metadata that is switched off": {
    scenario: { imds: { enabled: false } },
    check: "metadata",
    what: /refuses \(403\)/,
    command: /--http-endpoint enabled/,
    code: 69,
  },
  "a hop limit that is too small": {
    scenario: { imds: { hopLimitFailure: true } },
    check: "metadata",
    what: /hop limit is too small/,
    command: /--http-put-response-hop-limit 2/,
    code: 69,
  },
  "metadata of version 1": {
    scenario: { imds: { v1: true } },
    check: "metadata",
    severity: "note",
    what: /IMDSv1/,
    command: /--http-tokens required/,
    code: 0,
  },
  "an instance without a role": {
    scenario: { instances: [{ id: instance.id, tags: { Backup: "yes" }, role: null }] },
    check: "credentials",
    what: /get credentials/,
    command: /sts get-caller-identity/,
    code: 69,
  },
  "credentials that have expired": {
    plant: ({ simulator }) =>
      simulator.control.faults([{ kind: "expired", service: "imds", count: "always" }]),
    check: "credentials",
    what: /AWS answered RequestExpired/,
    command: /iam-instance-profile/,
    code: 77,
  },
  "long-lived keys": {
    scenario: { accessKeys: [{ id: "AKIATEST000000000001", user: "somebody" }] },
    plant: () => {
      vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIATEST000000000001");
      vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
    },
    check: "credentials",
    severity: "warning",
    what: /long-lived keys \(AKIA\.\.\.\)/,
    command: /env -u AWS_ACCESS_KEY_ID/,
    code: 1,
  },
  "a clock that is an hour ahead": {
    scenario: { clock: { start: hourAgo } },
    check: "clock",
    what: /60 min ahead of AWS's/,
    command: /timedatectl set-ntp true/,
    code: 77,
  },
  "tags that may not be read": {
    scenario: denied("ec2:DescribeInstances"),
    check: "instance",
    what: /refuses ec2:DescribeInstances/,
    command: /put-role-policy --role-name ec2-backup .*"ec2:DescribeInstances"/,
    code: 77,
  },
  "volumes that may not be described": {
    scenario: denied("ec2:DescribeVolumes"),
    check: "instance",
    what: /refuses ec2:DescribeVolumes/,
    command: /put-role-policy .*"ec2:DescribeVolumes"/,
    code: 77,
  },
  "no permission to capture": {
    scenario: denied("ec2:CreateSnapshots"),
    check: "capture",
    what: /refuses ec2:CreateSnapshots/,
    command: /put-role-policy .*"ec2:CreateSnapshots"/,
    code: 77,
  },
  "no permission for the images that a job is to make": {
    scenario: denied("ec2:CreateImage"),
    plant: (one) =>
      one.configure(`${noticed}jobs: { default: { image: monthly, waits: { request: 10s } } }\n`),
    check: "capture",
    what: /default may not make images .*ec2:CreateImage/,
    command: /put-role-policy .*policies\/image\.json/,
    code: 77,
  },
  "no permission for the tags at birth": {
    scenario: denied("ec2:CreateTags"),
    check: "capture",
    what: /refuses ec2:CreateTags/,
    command: /put-role-policy .*"ec2:CreateTags".*"ec2:CreateAction": ?"CreateSnapshots"/,
    code: 77,
  },
  "no permission for the marks after a capture": {
    scenario: denied("ec2:CreateTags", { standalone: true }),
    plant: (one) => one.configure(hook("[/bin/true]")),
    check: "retention",
    severity: "warning",
    what: /refuses ec2:CreateTags/,
    command: /put-role-policy .*"ec2-backup:consistency"/,
    code: 1,
  },
  "no permission to remove": {
    scenario: denied("ec2:DeleteSnapshot"),
    check: "retention",
    what: /refuses ec2:DeleteSnapshot/,
    command: /put-role-policy .*"ec2:DeleteSnapshot".*SourceInstanceARN/,
    code: 77,
  },
  "no permission to list": {
    scenario: denied("ec2:DescribeSnapshots"),
    check: "retention",
    what: /refuses ec2:DescribeSnapshots/,
    command: /put-role-policy .*"ec2:DescribeSnapshots"/,
    code: 77,
  },
  "no permission to see images": {
    scenario: denied("ec2:DescribeImages"),
    check: "retention",
    what: /refuses ec2:DescribeImages/,
    command: /put-role-policy .*"ec2:DescribeImages"/,
    code: 77,
  },
  "no permission to see locks": {
    scenario: denied("ec2:DescribeLockedSnapshots"),
    check: "retention",
    severity: "note",
    what: /which snapshots are locked/,
    command: /put-role-policy .*"ec2:DescribeLockedSnapshots"/,
    code: 0,
  },
  "no permission for metrics": {
    scenario: denied("cloudwatch:PutMetricData"),
    check: "metrics",
    what: /refuses cloudwatch:PutMetricData/,
    command: /put-role-policy .*"cloudwatch:namespace": ?"EC2Backup"/,
    code: 77,
  },
  "a key that is disabled": {
    plant: ({ simulator }) => simulator.control.keys({ change: { key, state: "Disabled" } }),
    check: "keys",
    what: /the key of vol-\S+, vol-\S+ is Disabled/,
    command: /aws kms enable-key --key-id arn:aws:kms:/,
    code: 2,
  },
  "a key that waits for its deletion": {
    plant: ({ simulator }) => simulator.control.keys({ change: { key, state: "PendingDeletion" } }),
    check: "keys",
    what: /will be deleted on \d{4}-\d\d-\d\d/,
    command: /cancel-key-deletion .* && aws kms enable-key/,
    code: 2,
  },
  "a key that is gone": {
    scenario: encryptedWith("arn:aws:kms:eu-central-1:999999999999:key/0fa1"),
    check: "keys",
    what: /is gone/,
    command: /describe-key/,
    code: 2,
  },
  "nobody who would hear of a missed backup": {
    plant: (one) => one.configure("version: 1\njobs: { default: { waits: { request: 10s } } }\n"),
    check: "alarms",
    severity: "note",
    what: /no alarm watches the backups/,
    command: /^ec2-backup alarms plan$/,
    code: 0,
  },
  "alarms that were not applied": {
    plant: (one) => {
      one.configure(
        `${noticed}jobs: { default: { schedule: "${soon}", waits: { request: 10s } } }\nalarms: { topic: ${topic} }\n`,
      );
      return plantTopic(one);
    },
    check: "alarms",
    severity: "warning",
    what: /there are no alarms/,
    command: /^ec2-backup alarms apply$/,
    code: 1,
  },
  "an alarm that is disabled": {
    plant: async (one) => {
      await watched(one);
      await disableAlarms();
    },
    check: "alarms",
    severity: "warning",
    what: /the actions of ec2-backup\/i-\S+\/default\/errors, \S+\/default\/missed are disabled/,
    command:
      /^aws cloudwatch enable-alarm-actions --alarm-names ec2-backup\/i-\S+\/default\/errors \S+missed$/,
    code: 1,
  },
  "an alarm that tells nobody": {
    plant: (one) => one.applyAlarms(),
    check: "alarms",
    severity: "warning",
    what: /nobody is told by \S+\/default\/errors, /,
    command: /^ec2-backup alarms apply$/,
    code: 1,
  },
  "alarms of a job that has another name now": {
    plant: async (one) => {
      await watched(one);
      one.configure(
        `${noticed}jobs: { nightly: { waits: { request: 10s } } }\nalarms: { topic: ${topic} }\n`,
      );
    },
    check: "alarms",
    severity: "warning",
    what: /not as the configuration has them: \S+\/nightly\/errors is not there; \S+\/default\/errors is no longer wanted/,
    command: /^ec2-backup alarms apply$/,
    code: 1,
  },
  "a program that no service finds": {
    plant: (one) => one.configure(hook("[dump-everything]")),
    check: "hooks",
    what: /hooks\[0\].*dump-everything/,
    command: /check-config/,
    code: 78,
  },
  "a program that only this shell finds": {
    plant: (one) => {
      mkdirSync(path.join(one.root, "bin"));
      writeFileSync(path.join(one.root, "bin/dump-here"), "#!/bin/sh\n");
      chmodSync(path.join(one.root, "bin/dump-here"), 0o755);
      vi.stubEnv("PATH", `${one.root}/bin:${process.env["PATH"]}`);
      one.configure(hook("[dump-here]"));
    },
    check: "hooks",
    what: /dump-here: none in PATH=\/usr\/local\/sbin/,
    command: /check-config/,
    code: 78,
  },
  "a mount that must not be frozen": {
    plant: (one) =>
      one.configure(
        `${noticed}jobs: { default: { waits: { request: 10s }, hooks: [{ freeze: { mounts: [/srv/nothing] } }] } }\n`,
      ),
    check: "freeze",
    what: /freeze\.mounts: \/srv\/nothing /,
    command: /check-config/,
    code: 78,
  },
  "a database that is not there": {
    plant: (one) =>
      one.configure(
        `${noticed}jobs: { default: { waits: { request: 10s }, hooks: [{ redis: { socket: /nowhere/redis.sock } }] } }\n`,
      ),
    check: "databases",
    what: /job default, hook redis: cannot connect to Redis/,
    command: /redis-cli/,
    code: 69,
  },
  "nothing that starts backups": {
    plant: ({ root }) => rmSync(path.join(root, "etc/cron.d/ec2-backup")),
    check: "scheduler",
    what: /nothing on this host starts backups/,
    command: /^ec2-backup install/,
    code: 2,
  },
  "a line of cron that nobody reads": {
    plant: ({ proc }) => {
      rmSync(proc, { recursive: true });
      mkdirSync(proc);
    },
    check: "scheduler",
    what: /etc\/cron\.d\/ec2-backup:2 is there, but no cron daemon runs/,
    command: /enable --now cron/,
    code: 2,
  },
  "two schedulers": {
    plant: ({ root }) => {
      mkdirSync(path.join(root, "etc/cron.daily"));
      writeFileSync(path.join(root, "etc/cron.daily/backup"), "#!/bin/sh\nexec /usr/bin/ec2-backup run\n");
    },
    check: "scheduler",
    severity: "warning",
    what: /2 schedulers start backups: .*cron\.d\/ec2-backup:2, .*cron\.daily\/backup/,
    command: /^rm \S+\/etc\/cron\.daily\/backup$/,
    code: 1,
  },
  "a spot instance without a daemon": {
    scenario: { instances: [{ id: instance.id, tags: { Backup: "yes" }, lifecycle: "spot" }] },
    check: "notices",
    severity: "note",
    what: /this is a spot instance, and no daemon is there to hear/,
    command: /ec2-backup install --daemon/,
    code: 0,
  },
  "Data Lifecycle Manager at work": {
    scenario: foreign({ "aws:dlm:lifecycle-policy-id": "policy-1" }),
    check: "other tools",
    severity: "warning",
    what: /Data Lifecycle Manager made 1 snapshot of vol-/,
    command: /dlm get-lifecycle-policies/,
    code: 1,
  },
  "AWS Backup at work": {
    scenario: foreign({ "aws:backup:source-resource": "i-1" }),
    check: "other tools",
    severity: "warning",
    what: /AWS Backup made 1 snapshot/,
    command: /backup list-protected-resources/,
    code: 1,
  },
  "a snapshot tool of Lambdas at work": {
    scenario: foreign({ Type: "Automated", DeleteOn: "2027-01-01" }),
    check: "other tools",
    severity: "warning",
    what: /Type=Automated/,
    command: /lambda list-functions/,
    code: 1,
  },
  "ebs_snapper at work": {
    scenario: foreign({ DeleteOn: "2027-01-01" }),
    check: "other tools",
    severity: "warning",
    what: /ebs_snapper/,
    command: /ebs-snapper configure/,
    code: 1,
  },
};

describe("doctor", () => {
  test("finds nothing on a healthy host, and leaves one point of a metric behind and nothing else", async () => {
    const patient = await healthyHost();
    const { findings, untested, reports } = await patient.examine();
    expect(findings).toEqual([]);
    expect(untested).toEqual([]);
    expect(exitCodeOfFindings(findings)).toBe(0);
    expect(reports.length).toBeGreaterThanOrEqual(16);
    const calls = patient.simulator.control.calls().filter(({ service }) => service !== "imds");
    const changing = calls.filter(({ action, parameters }) => {
      const dry = (parameters as { DryRun?: boolean } | null)?.DryRun === true;
      return !/^(Describe|List|Get)/.test(action) && !dry;
    });
    expect(changing.map(({ action, parameters }) => [action, parameters])).toEqual([
      [
        "PutMetricData",
        expect.objectContaining({
          MetricData: [expect.objectContaining({ MetricName: "Doctor", Value: 1 })],
        }),
      ],
    ]);
  });

  test.each(Object.entries(faults))("finds %s, and nothing else", async (_, fault) => {
    const patient = await healthyHost(fault.scenario);
    await fault.plant?.(patient);
    const { findings } = await patient.examine(fault.options);
    expect(findings.map(({ check, severity, what }) => ({ check, severity, what }))).toEqual([
      {
        check: fault.check,
        severity: fault.severity ?? "error",
        what: expect.stringMatching(fault.what),
      },
    ]);
    expect(findings[0]?.command).toMatch(fault.command);
    expect(findings[0]?.why).not.toBe("");
    expect(exitCodeOfFindings(findings)).toBe(fault.code);
  });

  describe("looks at the topic of the alarms and", () => {
    const cases: Record<string, [PlantedTopic | undefined, RegExp | undefined]> = {
      "finds one that is good": [{}, undefined],
      "finds a policy that lets nobody in": [
        { attributes: { Policy: ofOthers } },
        /does not let CloudWatch publish/,
      ],
      "finds AWS's own key": [{ attributes: { KmsMasterKeyId: "alias/aws/sns" } }, /alias\/aws\/sns/],
      "finds a key that CloudWatch may not use": [
        { attributes: { KmsMasterKeyId: "alias/mine" } },
        /does not let CloudWatch use it \(kms:Decrypt, kms:GenerateDataKey\*\)/,
      ],
      "finds that nobody has subscribed": [
        { confirmed: 0, pending: 2 },
        /no subscription that is confirmed \(2 waiting\)/,
      ],
      "finds that it is not there": [undefined, /there is no topic/],
    };

    test.each(Object.entries(cases))("%s", async (_, [planted, what]) => {
      const patient = await healthyHost({ keys: [{ aliases: ["alias/mine"] }] });
      if (planted !== undefined) await plantTopic(patient, planted);
      await patient.applyAlarms(withTopic());
      const { findings, untested } = await patient.examine({ loaded: withTopic() });
      if (what === undefined) expect(findings).toEqual([]);
      else
        expect(findings).toEqual([
          expect.objectContaining({ check: "topics", severity: "error", what: expect.stringMatching(what) }),
        ]);
      expect(untested).toEqual([]);
    });

    test.each([
      ["sns:GetTopicAttributes", `the topic ${topic}`],
      ["kms:GetKeyPolicy", `the policy of the key of ${topic}`],
      ["cloudwatch:DescribeAlarms", "the alarms of this instance"],
    ])("says that it may not: %s", async (action, what) => {
      const patient = await healthyHost({ keys: [{ aliases: ["alias/mine"] }] });
      await plantTopic(patient, { attributes: { KmsMasterKeyId: "alias/mine" } });
      await patient.applyAlarms(withTopic());
      await patient.simulator.control.settings(denied(action));
      const { findings, untested } = await patient.examine({ loaded: withTopic() });
      const ofKey =
        action === "cloudwatch:DescribeAlarms" ? [expect.objectContaining({ check: "topics" })] : [];
      expect(findings).toEqual(ofKey);
      expect(untested).toEqual([what]);
    });
  });

  test("says what it cannot test where there is no point yet, and without the permission to read a key", async () => {
    const patient = await healthyHost({ snapshots: [], images: [], ...denied("kms:DescribeKey") });
    const { findings, untested } = await patient.examine({ metric: false });
    expect(findings).toEqual([]);
    expect(untested).toEqual([
      "ec2:DeleteSnapshot, ec2:CreateTags on points",
      "cloudwatch:PutMetricData",
      expect.stringMatching(/^the key of vol-/),
    ]);
    expect(patient.simulator.control.calls().map(({ action }) => action)).not.toContain("PutMetricData");
  });
});
