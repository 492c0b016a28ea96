import {
  anything,
  type Check,
  flag,
  instant,
  list,
  nullable,
  number,
  object,
  oneOf,
  record,
  text,
} from "./check.ts";
import { keyStates } from "./kms/key.ts";
import type { Scenario } from "./scenario.ts";
import { generateCheck } from "./scenario-generate.ts";
import { settings } from "./settings-check.ts";

/** A scenario that cannot be played; `faults` names every reason. */
export class ScenarioError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the scenario has ${faults.length} fault(s):\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
    this.faults = faults;
  }
}

const id = (prefix: string) =>
  text({
    pattern: new RegExp(`^${prefix}-[0-9a-f]{8}([0-9a-f]{9})?$`),
    like: `an id such as ${prefix}-0123456789abcdef0`,
  });
const account = text({ pattern: /^\d{12}$/, like: "an account of 12 digits" });
const device = text({ pattern: /^(\/dev\/)?[a-z0-9]+$/, like: "a device name such as /dev/sdf" });
const absolutePath = text({ pattern: /^\/[^\0]*$/, like: "an absolute path" });
const tags = record(text());
const states = ["pending", "running", "shutting-down", "terminated", "stopping", "stopped"];

const attachment = object(
  { instance: id("i"), device, deleteOnTermination: flag, attachTime: instant, atLaunch: flag },
  ["instance", "device"],
);

/** The form of one instance. */
export const instanceCheck: Check = object(
  {
    id: id("i"),
    name: text(),
    tags,
    state: oneOf(...states),
    role: nullable(text({ pattern: /^[\w+=,.@-]{1,64}$/, like: "a role name" })),
    instanceType: text(),
    imageId: id("ami"),
    rootDeviceName: device,
    platform: oneOf("linux", "windows"),
    privateIp: text(),
    publicIp: text(),
    console: text(),
    launchTime: instant,
    lifecycle: nullable(oneOf("spot")),
    persistentSpot: flag,
    rootInstanceStore: flag,
    elasticIp: flag,
    instanceStores: list(object({ device, virtualName: text() }, ["device", "virtualName"])),
    subnetId: id("subnet"),
    securityGroups: list(id("sg")),
    architecture: oneOf("x86_64", "arm64", "i386"),
    bootMode: oneOf("legacy-bios", "uefi", "uefi-preferred"),
    keyName: text(),
    userData: text(),
    productCodes: list(text()),
    disableApiTermination: flag,
    disableApiStop: flag,
    hibernation: flag,
  },
  ["id"],
);

/** The form of one volume. */
export const volumeCheck: Check = object(
  {
    id: id("vol"),
    size: number({ min: 1, max: 65_536, integer: true }),
    type: oneOf("gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"),
    iops: number({ min: 1, integer: true }),
    throughput: number({ min: 1, integer: true }),
    encrypted: flag,
    kmsKeyId: text(),
    tags,
    attachments: list(attachment),
    state: oneOf("ready", "error"),
    multiAttachEnabled: flag,
    snapshotId: id("snap"),
    createTime: instant,
    zone: text(),
    operator: text(),
    writtenBytes: number({ min: 0, integer: true }),
    file: absolutePath,
  },
  ["size"],
);

/** The form of one snapshot. */
export const snapshotCheck: Check = object(
  {
    id: id("snap"),
    volumeId: id("vol"),
    volumeSize: number({ min: 1, max: 65_536, integer: true }),
    ownerId: account,
    ownerAlias: text(),
    description: text(),
    tags,
    state: oneOf("pending", "completed", "error", "recoverable"),
    stateMessage: text(),
    startTime: instant,
    encrypted: flag,
    kmsKeyId: text(),
    storageTier: oneOf("standard", "archive"),
    fullSizeBytes: number({ min: 0, integer: true }),
    lock: nullable(oneOf("governance", "compliance")),
    copyOf: object(
      { account, region: text(), snapshotId: id("snap"), volumeId: id("vol"), captured: instant },
      ["region", "snapshotId", "volumeId"],
    ),
    sharedWith: list(text()),
    file: absolutePath,
  },
  ["volumeId"],
);

/** The form of an image. */
export const imageCheck = object(
  {
    id: id("ami"),
    name: text(),
    ownerId: account,
    state: oneOf("available", "disabled", "deregistered"),
    rootDeviceName: device,
    tags,
    creationTime: instant,
    description: text(),
    architecture: oneOf("x86_64", "arm64", "i386"),
    bootMode: oneOf("legacy-bios", "uefi", "uefi-preferred"),
    enaSupport: flag,
    platform: oneOf("linux", "windows"),
    productCodes: list(text()),
    sourceInstanceId: id("i"),
    snapshots: record(id("snap")),
  },
  ["id", "snapshots"],
);

/** The form of one KMS key. */
export const keyCheck: Check = object({
  id: text({ pattern: /^(mrk-)?[0-9a-f-]{1,64}$/, like: "a key id" }),
  state: oneOf(...keyStates),
  manager: oneOf("AWS", "CUSTOMER"),
  description: text(),
  policy: record(anything),
  aliases: list(text({ pattern: /^alias\/[\w/-]{1,250}$/, like: "a name such as alias/backup" })),
});

const place = {
  ...settings,
  account,
  region: text({ pattern: /^[a-z]{2}(-[a-z]+)+-\d$/, like: "a Region such as eu-central-1" }),
  zone: text(),
  subnets: list(
    object({ id: id("subnet"), zone: text(), vpc: id("vpc"), default: flag, publicIps: flag }, [
      "id",
      "zone",
      "vpc",
    ]),
  ),
  securityGroups: list(object({ id: id("sg"), name: text(), vpc: id("vpc") }, ["id", "name", "vpc"])),
  instances: list(instanceCheck),
  volumes: list(volumeCheck),
  snapshots: list(snapshotCheck),
  images: list(imageCheck),
  keys: list(keyCheck),
  generate: generateCheck,
  accessKeys: list(
    object(
      {
        id: text({ pattern: /^AKIA[A-Z0-9]{12,124}$/, like: "an access key id beginning with AKIA" }),
        user: text(),
      },
      ["id", "user"],
    ),
  ),
};

/** The form of a whole scenario. */
const scenarioCheck: Check = object({
  ...place,
  partition: oneOf("aws", "aws-cn", "aws-us-gov"),
  seed: number({ min: 0, integer: true }),
  clock: object({ start: instant, speed: number({ min: 0 }) }),
  snapshotData: absolutePath,
  volumeData: absolutePath,
  places: list(object(place)),
});

/**
 * Takes unknown data for a scenario if its form is right.
 * @throws ScenarioError naming every fault.
 */
export function readScenario(value: unknown): Scenario {
  const faults = scenarioCheck(value, "");
  if (faults.length > 0) throw new ScenarioError(faults);
  return value as Scenario;
}
