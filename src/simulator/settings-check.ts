import { anything, type Check, flag, list, nullable, number, object, oneOf, record, text } from "./check.ts";
import type { Times } from "./scenario-settings.ts";
import { vssOutcomes } from "./ssm/command.ts";

const roleCheck = object(
  {
    arn: text({ pattern: /^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/, like: "the ARN of a role" }),
    externalId: text(),
    trusted: list(text()),
    policy: record(anything),
    maxSeconds: number({ min: 3_600, max: 43_200, integer: true }),
  },
  ["arn"],
);

const timed: (keyof Times)[] = [
  ...(["createVolume", "deleteVolume", "attach", "detach", "start", "stop", "terminate", "reboot"] as const),
  ...(["image", "imageSnapshots", "replaceRoot", "restoreTier", "groupReplaces"] as const),
];

/** The settings that may change while it runs, each with its form. */
export const settings = {
  self: text({ pattern: /^i-[0-9a-f]{8}([0-9a-f]{9})?$/, like: "an id such as i-0123456789abcdef0" }),
  settle: object({ seconds: number({ min: 0 }), secondsPerGiB: number({ min: 0 }) }),
  copies: object({
    seconds: number({ min: 0 }),
    secondsPerGiB: number({ min: 0 }),
    share: number({ min: 0, max: 1 }),
    keyFaultSeconds: number({ min: 0 }),
    atOnce: number({ min: 0, integer: true }),
    throughput: number({ min: 0 }),
    single: number({ min: 1 }),
  }),
  times: object(Object.fromEntries(timed.map((name) => [name, number({ min: 0 })]))),
  keyFault: oneOf("vanishes", "error"),
  ebsEncryption: object({ byDefault: flag, key: text() }),
  attachmentLimit: number({ min: 1, integer: true }),
  initializationQuota: number({ min: 0, integer: true }),
  consistency: object({ seconds: number({ min: 0 }) }, ["seconds"]),
  limits: flag,
  shortPages: flag,
  checkSignatureTime: flag,
  metricsListedAfter: number({ min: 0 }),
  lateMetrics: flag,
  alarms: object({
    extraPeriods: number({ min: 0, max: 100, integer: true }),
    newParameters: oneOf("accepted", "ignored", "refused"),
    tellKeyFaults: flag,
  }),
  imds: object({
    enabled: flag,
    v1: flag,
    hopLimitFailure: flag,
    tags: flag,
    credentialSeconds: number({ min: 0 }),
  }),
  deny: list(object({ action: text(), principal: text(), standalone: flag }, ["action"])),
  policies: list(object({ principal: text(), documents: list(text()) }, ["principal", "documents"])),
  ssm: object({
    agent: flag,
    vss: oneOf(...vssOutcomes),
    seconds: number({ min: 0 }),
    parameters: record(text()),
  }),
  launches: object({ publicIp: nullable(text()), console: text(), consoleAfter: number({ min: 0 }) }),
  roles: list(roleCheck),
  changedPerDay: number({ min: 0 }),
  quotas: record(number({ min: 0 })),
  recycleBin: nullable(
    object({
      tag: object({ key: text(), value: text() }, ["key"]),
      days: number({ min: 1, max: 365, integer: true }),
    }),
  ),
};

/** The form of the settings that may change while it runs. */
export const settingsCheck: Check = object(settings);
