import { defaultScenario } from "./default-scenario.ts";
import { emptyWorld } from "./empty-world.ts";
import { newId } from "./ids.ts";
import { addKeys } from "./kms/make-key.ts";
import type {
  Scenario,
  ScenarioImage,
  ScenarioInstance,
  ScenarioSettings,
  ScenarioSnapshot,
  ScenarioVolume,
} from "./scenario.ts";
import { ScenarioError } from "./scenario-check.ts";
import type { Image, Instance, Settings, Snapshot, Volume, World } from "./world.ts";

const GIB = 1_073_741_824;
const day = 86_400_000;

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
  for (const each of scenario.instances ?? []) put("instances", world.instances, makeInstance(each, now));
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
  faults.push(...danglingReferences(world));
  if (faults.length > 0) throw new ScenarioError(faults);
  return world;
}

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
    consistency: 0,
    limits: true,
    shortPages: false,
    checkSignatureTime: false,
    metricsListedAfter: 0,
    lateMetrics: true,
    alarms: { extraPeriods: 2, newParameters: "accepted", tellKeyFaults: false },
    imds: { enabled: true, v1: false, hopLimitFailure: false, tags: false, credentialSeconds: 6 * 3_600 },
    deny: [],
    recycleBin: null,
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
    recycleBin: change.recycleBin === undefined ? settings.recycleBin : change.recycleBin,
  };
}

/** An instance as the scenario tells it; launched a month before `now` unless it says when. */
export function makeInstance(given: ScenarioInstance, now: number): Instance {
  return {
    id: given.id,
    tags: { ...(given.name === undefined ? {} : { Name: given.name }), ...given.tags },
    state: given.state ?? "running",
    role: given.role === undefined ? "ec2-backup" : given.role,
    instanceType: given.instanceType ?? "m7i.large",
    imageId: given.imageId ?? "ami-0d3a0de0c0ffee001",
    rootDeviceName: given.rootDeviceName ?? "/dev/xvda",
    platform: given.platform ?? "linux",
    privateIp: given.privateIp ?? "10.0.0.10",
    launchTime: given.launchTime ? Date.parse(given.launchTime) : now - 30 * day,
    lifecycle: given.lifecycle ?? null,
    instanceStores: given.instanceStores ?? [],
    launchDevices: [],
  };
}

/** A volume as the scenario tells it; a missing id is made up. */
export function makeVolume(world: World, given: ScenarioVolume, now: number): Volume {
  const type = given.type ?? "gp3";
  const attachTime = now - 30 * day;
  return {
    id: given.id ?? newId("vol", world.settings.seed, ++world.sequence),
    size: given.size,
    type,
    iops: given.iops ?? (type === "gp3" ? 3_000 : type === "gp2" ? Math.max(100, given.size * 3) : null),
    throughput: given.throughput ?? (type === "gp3" ? 125 : null),
    encrypted: given.encrypted ?? given.kmsKeyId !== undefined,
    kmsKeyId: given.kmsKeyId ?? null,
    tags: { ...given.tags },
    attachments: (given.attachments ?? []).map((each) => ({
      instance: each.instance,
      device: each.device,
      deleteOnTermination: each.deleteOnTermination ?? false,
      attachTime: each.attachTime ? Date.parse(each.attachTime) : attachTime,
    })),
    multiAttachEnabled: given.multiAttachEnabled ?? false,
    snapshotId: given.snapshotId ?? "",
    createTime: given.createTime ? Date.parse(given.createTime) : attachTime,
    zone: given.zone ?? world.settings.zone,
    operator: given.operator ?? null,
    writtenBytes: given.writtenBytes ?? (given.size * GIB) / 4,
    file: given.file ?? null,
    lastSnapshotAt: null,
  };
}

/** A snapshot that is there without anybody having called; completed a day before `now` unless it says otherwise. */
export function makeSnapshot(world: World, given: ScenarioSnapshot, now: number): Snapshot {
  const volume = world.volumes[given.volumeId];
  const volumeSize = given.volumeSize ?? volume?.size ?? 8;
  const state = given.state ?? "completed";
  const startTime = given.startTime ? Date.parse(given.startTime) : now - (state === "pending" ? 0 : day);
  const completesAt = startTime + world.settings.settle.fixed + volumeSize * world.settings.settle.perGiB;
  return {
    id: given.id ?? newId("snap", world.settings.seed, ++world.sequence),
    volumeId: given.volumeId,
    volumeSize,
    ownerId: given.ownerId ?? world.settings.account,
    ownerAlias: given.ownerAlias ?? null,
    description: given.description ?? "",
    tags: { ...given.tags },
    state,
    stateMessage: given.stateMessage ?? null,
    startTime,
    completesAt,
    completionTime: state === "completed" || state === "recoverable" ? completesAt : null,
    failsAt: null,
    stoppedAt: state === "error" ? 37 : null,
    encrypted: given.encrypted ?? volume?.encrypted ?? false,
    kmsKeyId: given.kmsKeyId ?? volume?.kmsKeyId ?? null,
    storageTier: given.storageTier ?? "standard",
    fullSizeBytes: given.fullSizeBytes ?? volume?.writtenBytes ?? (volumeSize * GIB) / 4,
    lock: given.lock ?? null,
    deleteWhenSettled: false,
    visibleFrom: 0,
    formerTags: null,
    file: null,
    pointInTime: null,
  };
}

/** An image as the scenario tells it. */
export function makeImage(world: World, given: ScenarioImage, now: number): Image {
  return {
    id: given.id,
    name: given.name ?? given.id,
    ownerId: given.ownerId ?? world.settings.account,
    state: given.state ?? "available",
    rootDeviceName: given.rootDeviceName ?? "/dev/xvda",
    tags: { ...given.tags },
    creationTime: given.creationTime ? Date.parse(given.creationTime) : now - day,
    snapshots: { ...given.snapshots },
  };
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
