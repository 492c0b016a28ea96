import { defaultScenario } from "./default-scenario.ts";
import type { Scenario } from "./scenario.ts";
import type { ScenarioSettings, Times } from "./scenario-settings.ts";
import type { Settings } from "./world.ts";

/** How long things take, in milliseconds; AWS promises nothing. */
const usualTimes: Times = {
  createVolume: 2_000,
  deleteVolume: 1_000,
  attach: 2_000,
  detach: 2_000,
  start: 10_000,
  stop: 10_000,
  terminate: 10_000,
  reboot: 10_000,
  image: 60_000,
  imageSnapshots: 2_000,
  replaceRoot: 60_000,
  groupReplaces: 60_000,
  restoreTier: 24 * 3_600_000,
};

/** The settings at the beginning: those of a scenario, and the usual ones where it tells none. */
export function initialSettings(scenario: Scenario): Settings {
  const region = scenario.region ?? defaultScenario.region ?? "eu-central-1";
  const blank: Settings = {
    account: scenario.account ?? defaultScenario.account ?? "111122223333",
    partition: scenario.partition ?? "aws",
    region,
    zone: scenario.zone ?? `${region}a`,
    self: scenario.instances?.[0]?.id ?? "",
    seed: scenario.seed ?? 1,
    settle: { fixed: 60_000, perGiB: 0 },
    copies: {
      fixed: 60_000,
      perGiB: 2_000,
      share: 0.1,
      keyFaultAfter: 120_000,
      atOnce: 20,
      throughput: 2_000,
      single: 500,
    },
    times: usualTimes,
    keyFault: "vanishes",
    attachmentLimit: 27,
    ebsEncryption: { byDefault: false, key: "alias/aws/ebs" },
    initializationQuota: 5_000,
    consistency: 0,
    limits: true,
    shortPages: false,
    checkSignatureTime: false,
    metricsListedAfter: 0,
    lateMetrics: true,
    alarms: { extraPeriods: 2, newParameters: "accepted", tellKeyFaults: false },
    imds: { enabled: true, v1: false, hopLimitFailure: false, tags: false, credentialSeconds: 6 * 3_600 },
    deny: [],
    policies: [],
    recycleBin: null,
    roles: [],
    changedPerDay: 0.02,
    quotas: {},
    ssm: { agent: true, vss: "success", seconds: 0, parameters: {} },
    launches: { publicIp: null, console: "[    0.000000] Linux version 6.1\n", consoleAfter: 0 },
  };
  return mergeSettings(blank, scenario);
}

/** The settings after a change; what the change does not name stays. */
export function mergeSettings(settings: Settings, change: ScenarioSettings): Settings {
  return {
    ...settings,
    self: change.self ?? settings.self,
    settle: {
      fixed: change.settle?.seconds === undefined ? settings.settle.fixed : change.settle.seconds * 1_000,
      perGiB:
        change.settle?.secondsPerGiB === undefined
          ? settings.settle.perGiB
          : change.settle.secondsPerGiB * 1_000,
    },
    copies: mergeCopies(settings.copies, change),
    times: { ...settings.times, ...inMilliseconds(change.times ?? {}) },
    keyFault: change.keyFault ?? settings.keyFault,
    ebsEncryption: { ...settings.ebsEncryption, ...change.ebsEncryption },
    attachmentLimit: change.attachmentLimit ?? settings.attachmentLimit,
    initializationQuota: change.initializationQuota ?? settings.initializationQuota,
    consistency: change.consistency ? change.consistency.seconds * 1_000 : settings.consistency,
    limits: change.limits ?? settings.limits,
    shortPages: change.shortPages ?? settings.shortPages,
    checkSignatureTime: change.checkSignatureTime ?? settings.checkSignatureTime,
    metricsListedAfter:
      change.metricsListedAfter === undefined
        ? settings.metricsListedAfter
        : change.metricsListedAfter * 1_000,
    lateMetrics: change.lateMetrics ?? settings.lateMetrics,
    alarms: { ...settings.alarms, ...change.alarms },
    imds: { ...settings.imds, ...change.imds },
    deny: change.deny ?? settings.deny,
    policies: change.policies ?? settings.policies,
    roles: change.roles ?? settings.roles,
    changedPerDay: change.changedPerDay ?? settings.changedPerDay,
    quotas: { ...settings.quotas, ...change.quotas },
    ssm: { ...settings.ssm, ...change.ssm },
    launches: { ...settings.launches, ...change.launches },
    recycleBin: change.recycleBin === undefined ? settings.recycleBin : change.recycleBin,
  };
}

function mergeCopies(
  copies: Settings["copies"],
  { copies: change = {}, settle = {} }: ScenarioSettings,
): Settings["copies"] {
  const { seconds = settle.seconds, secondsPerGiB = settle.secondsPerGiB, keyFaultSeconds } = change;
  return {
    fixed: seconds === undefined ? copies.fixed : seconds * 1_000,
    perGiB: secondsPerGiB === undefined ? copies.perGiB : secondsPerGiB * 1_000,
    share: change.share ?? copies.share,
    keyFaultAfter: keyFaultSeconds === undefined ? copies.keyFaultAfter : keyFaultSeconds * 1_000,
    atOnce: change.atOnce ?? copies.atOnce,
    throughput: change.throughput ?? copies.throughput,
    single: change.single ?? copies.single,
  };
}

function inMilliseconds(seconds: Partial<Times>): Partial<Times> {
  return Object.fromEntries(Object.entries(seconds).map(([name, each]) => [name, each * 1_000]));
}
