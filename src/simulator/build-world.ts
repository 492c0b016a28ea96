import { defaultScenario } from "./default-scenario.ts";
import { makeGroup, makeSubnet } from "./ec2/network.ts";
import { emptyWorld } from "./empty-world.ts";
import { addKeys } from "./kms/make-key.ts";
import { makeImage, makeInstance, makeSnapshot, makeVolume, noteRoots } from "./make-things.ts";
import type { Scenario, ScenarioSettings, Times } from "./scenario.ts";
import { ScenarioError } from "./scenario-check.ts";
import type { Settings, World } from "./world.ts";

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
  restoreTier: 24 * 3_600_000,
};

/**
 * The world at its beginning.
 * @param now simulated milliseconds since the epoch: what "a month ago" is counted from.
 * @throws ScenarioError when things refer to what does not exist, or exclude each other.
 */
export function buildWorld(given: Scenario, now: number): World {
  const scenario: Scenario = given.instances
    ? { ...given }
    : {
        ...given,
        instances: defaultScenario.instances ?? [],
        volumes: given.volumes ?? defaultScenario.volumes ?? [],
      };
  scenario.snapshots ??= given.instances ? [] : (defaultScenario.snapshots ?? []);
  const world: World = { settings: initialSettings(scenario), ...emptyWorld() };
  const faults: string[] = [];
  const put = <T extends { id: string }>(kind: string, into: Record<string, T>, thing: T) => {
    if (into[thing.id]) faults.push(`${kind}: ${thing.id} appears twice`);
    into[thing.id] = thing;
  };
  for (const each of scenario.subnets ?? defaultSubnets(world.settings))
    put("subnets", world.subnets, makeSubnet(each));
  for (const each of scenario.securityGroups ?? defaultGroups)
    put("securityGroups", world.securityGroups, makeGroup(each));
  for (const each of scenario.instances ?? [])
    put("instances", world.instances, makeInstance(world, each, now));
  for (const each of scenario.volumes ?? []) put("volumes", world.volumes, makeVolume(world, each, now));
  for (const each of scenario.snapshots ?? [])
    put("snapshots", world.snapshots, makeSnapshot(world, each, now));
  for (const each of scenario.images ?? []) put("images", world.images, makeImage(world, each, now));
  addKeys(world, scenario.keys ?? [], now);
  for (const key of scenario.accessKeys ?? []) {
    const { partition, account } = world.settings;
    const arn = `arn:${partition}:iam::${account}:user/${key.user}`;
    world.credentials[key.id] = { arn, userId: `AIDA${key.id.slice(4)}`, session: null };
  }
  noteLaunchDevices(world, scenario);
  noteRoots(world);
  faults.push(...danglingReferences(world));
  if (faults.length > 0) throw new ScenarioError(faults);
  return world;
}

const defaultSubnets = ({ zone }: Settings) => [
  { id: "subnet-0d3a0de0c0ffee001", zone, vpc: "vpc-0d3a0de0c0ffee001" },
];
const defaultGroups = [{ id: "sg-0d3a0de0c0ffee001", name: "default", vpc: "vpc-0d3a0de0c0ffee001" }];

function initialSettings(scenario: Scenario): Settings {
  const region = scenario.region ?? defaultScenario.region ?? "eu-central-1";
  const blank: Settings = {
    account: scenario.account ?? defaultScenario.account ?? "111122223333",
    partition: scenario.partition ?? "aws",
    region,
    zone: scenario.zone ?? `${region}a`,
    self: scenario.instances?.[0]?.id ?? "",
    seed: scenario.seed ?? 1,
    settle: { fixed: 60_000, perGiB: 0 },
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
    ssm: { ...settings.ssm, ...change.ssm },
    launches: { ...settings.launches, ...change.launches },
    recycleBin: change.recycleBin === undefined ? settings.recycleBin : change.recycleBin,
  };
}

function inMilliseconds(seconds: Partial<Times>): Partial<Times> {
  return Object.fromEntries(Object.entries(seconds).map(([name, each]) => [name, each * 1_000]));
}

function noteLaunchDevices(world: World, scenario: Scenario): void {
  for (const volume of scenario.volumes ?? []) {
    for (const { instance, device, atLaunch } of volume.attachments ?? []) {
      if (atLaunch !== false) world.instances[instance]?.launchDevices.push(device);
    }
  }
}

function danglingReferences(world: World): string[] {
  const faults: string[] = [];
  const devices = new Set<string>();
  if (!world.instances[world.settings.self])
    faults.push(`self: no instance ${world.settings.self || "at all"}`);
  for (const volume of Object.values(world.volumes)) {
    if (volume.attachments.length > 1 && !volume.multiAttachEnabled) {
      faults.push(`volumes: ${volume.id} has several attachments but not multiAttachEnabled`);
    }
    for (const { instance, device } of volume.attachments) {
      if (!world.instances[instance])
        faults.push(`volumes: ${volume.id} is attached to ${instance}, which does not exist`);
      if (devices.has(`${instance} ${device}`))
        faults.push(`volumes: ${instance} has two volumes at ${device}`);
      devices.add(`${instance} ${device}`);
    }
  }
  for (const image of Object.values(world.images)) {
    for (const snapshot of Object.values(image.snapshots)) {
      if (!world.snapshots[snapshot])
        faults.push(`images: ${image.id} uses ${snapshot}, which does not exist`);
    }
  }
  return faults;
}
