import type { Image, Instance } from "./ec2/machines.ts";
import type { SnapshotCopy } from "./ec2/snapshot-copy.ts";
import { lasting } from "./ec2/snapshot-lock.ts";
import { attached, type Volume } from "./ec2/volume.ts";
import { newId } from "./ids.ts";
import type { ScenarioImage, ScenarioInstance, ScenarioSnapshot, ScenarioVolume } from "./scenario.ts";
import type { Snapshot, World } from "./world.ts";

const GIB = 1_073_741_824;
const day = 86_400_000;

/** An instance as the scenario tells it; launched a month before `now` unless it says when. */
export function makeInstance(world: World, given: ScenarioInstance, now: number): Instance {
  const subnet =
    given.subnetId === undefined ? Object.values(world.subnets)[0] : world.subnets[given.subnetId];
  const instanceType = given.instanceType ?? "m7i.large";
  return {
    ...newInstance,
    subnetId: given.subnetId ?? subnet?.id ?? "",
    zone: subnet?.zone ?? world.settings.zone,
    groups: given.securityGroups ?? Object.keys(world.securityGroups).slice(0, 1),
    architecture: given.architecture ?? architectureOf(instanceType),
    bootMode: given.bootMode ?? null,
    keyName: given.keyName ?? null,
    userData: given.userData === undefined ? null : Buffer.from(given.userData).toString("base64"),
    productCodes: given.productCodes ?? [],
    disableApiTermination: given.disableApiTermination ?? false,
    disableApiStop: given.disableApiStop ?? false,
    hibernation: given.hibernation ?? false,
    rootVolumes: [],
    id: given.id,
    tags: { ...(given.name === undefined ? {} : { Name: given.name }), ...given.tags },
    state: given.state ?? "running",
    role: given.role === undefined ? "ec2-backup" : given.role,
    instanceType,
    imageId: given.imageId ?? "ami-0d3a0de0c0ffee001",
    rootDeviceName: given.rootDeviceName ?? "/dev/xvda",
    platform: given.platform ?? "linux",
    privateIp: given.privateIp ?? "10.0.0.10",
    publicIp: given.publicIp ?? null,
    console: given.console ?? "",
    launchTime: given.launchTime ? Date.parse(given.launchTime) : now - 30 * day,
    lifecycle: given.lifecycle ?? null,
    persistentSpot: given.persistentSpot ?? false,
    rootInstanceStore: given.rootInstanceStore ?? false,
    elasticIp: given.elasticIp ?? false,
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
    state: given.state === "error" ? "error" : "ready",
    changesAt: null,
    doomed: null,
    visibleFrom: 0,
    initialization: null,
    attachments: (given.attachments ?? []).map((each) =>
      attached({ ...each, attachTime: each.attachTime ? Date.parse(each.attachTime) : attachTime }),
    ),
    multiAttachEnabled: given.multiAttachEnabled ?? false,
    snapshotId: given.snapshotId ?? "",
    createTime: given.createTime ? Date.parse(given.createTime) : attachTime,
    zone: given.zone ?? world.settings.zone,
    operator: given.operator ?? null,
    writtenBytes: given.writtenBytes ?? (given.size * GIB) / 4,
    file: given.file ?? null,
    ownsFile: false,
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
    tiering: null,
    recycledAt: state === "recoverable" ? now : null,
    lock: given.lock ? lasting(given.lock, startTime) : null,
    copy: given.copyOf ? copyAsTold(world, given.copyOf, startTime) : null,
    sharedWith: given.sharedWith ?? [],
    deleteWhenSettled: false,
    visibleFrom: 0,
    formerTags: null,
    file: given.file ?? null,
    pointInTime: null,
  };
}

function copyAsTold(
  world: World,
  of: NonNullable<ScenarioSnapshot["copyOf"]>,
  startTime: number,
): SnapshotCopy {
  const { account = world.settings.account, region, snapshotId, volumeId, captured } = of;
  return {
    sourceAccount: account,
    sourceRegion: region,
    sourceSnapshotId: snapshotId,
    capturedAt: captured === undefined ? startTime : Date.parse(captured),
    lineage: `${account}/${region}/${volumeId}`,
    incremental: false,
    bytes: 0,
    completionMinutes: null,
  };
}

/** An image as the scenario tells it. */
export function makeImage(world: World, given: ScenarioImage, now: number): Image {
  const rootDeviceName = given.rootDeviceName ?? "/dev/xvda";
  const devices = Object.entries(given.snapshots).map(([device, id]) => {
    const { volumeSize: size = 8, encrypted = false } = world.snapshots[id] ?? {};
    const rest = { type: "gp3", iops: null, throughput: null, encrypted, kmsKeyId: null } as const;
    return [device, { size, deleteOnTermination: device === rootDeviceName, ...rest }] as const;
  });
  return {
    id: given.id,
    name: given.name ?? given.id,
    description: given.description ?? "",
    ownerId: given.ownerId ?? world.settings.account,
    state: given.state ?? "available",
    readyAt: null,
    visibleFrom: 0,
    rootDeviceName,
    architecture: given.architecture ?? "x86_64",
    virtualization: "hvm",
    bootMode: given.bootMode ?? null,
    enaSupport: given.enaSupport ?? true,
    sriovNetSupport: null,
    platform: given.platform ?? "linux",
    productCodes: given.productCodes ?? [],
    stateReason: null,
    sharedWith: [],
    deregistrationProtection: false,
    ghost: null,
    sourceInstanceId: given.sourceInstanceId ?? null,
    tags: { ...given.tags },
    creationTime: given.creationTime ? Date.parse(given.creationTime) : now - day,
    snapshots: { ...given.snapshots },
    devices: Object.fromEntries(devices),
  };
}

/** What a type of instance runs: Graviton types have a g after their generation. */
export function architectureOf(instanceType: string): string {
  return /^[a-z]+\d+[a-z]*g[a-z]*\./.test(instanceType) ? "arm64" : "x86_64";
}

const newInstance = {
  stateReason: null,
  changesAt: null,
  rebootsAt: null,
  stoppedAt: null,
  startFails: null,
  interruption: null,
  target: null,
  boots: 1,
  visibleFrom: 0,
  clientToken: "",
  ebsOptimized: true,
  shutdownBehavior: "stop",
  played: false,
} as const;

/** The volumes at the root of their instances are its root volumes. */
export function noteRoots(world: World): void {
  for (const { id, attachments } of Object.values(world.volumes)) {
    for (const { instance, device } of attachments) {
      const machine = world.instances[instance];
      if (machine?.rootDeviceName === device && !machine.rootVolumes.includes(id))
        machine.rootVolumes.push(id);
    }
  }
}
