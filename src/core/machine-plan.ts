import type { Instance, Tags } from "./instance.ts";
import {
  billingOf,
  damaged,
  imageObstacles,
  nameOf,
  nameProperty,
  notesOf,
  nothing,
} from "./machine-findings.ts";
import type { DeviceOrder, ImageState, NewImage, NewMachine } from "./machine-ports.ts";
import { type Chosen, chooseProperties, type PlaceFacts } from "./machine-properties.ts";
import type { MachineRecipe } from "./machine-recipe.ts";
import type { UserDataChoice } from "./machine-user-data.ts";
import { machineDevices } from "./machine-volumes.ts";
import type { MachineObstacle, MachineWish, Property } from "./machine-wish.ts";
import type { RecordedMachine } from "./recorded-machine.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { type ObstacleFacts, obstaclesOf } from "./restore-obstacles.ts";
import { type PlannedVolume, restoreTags } from "./restore-plan.ts";
import type { FoundSnapshot } from "./restore-ports.ts";
import type { Left } from "./restore-selection.ts";

/** ARN of the instance that a restore of a whole instance was begun from. */
export const restoredBy = "ec2-backup:restored-by";
/** What stands in place of an ARN on volumes that are made for an instance that is not there yet. */
const forNewInstance = "a new instance";

/** What the plan goes by. */
export interface MachineGround {
  /** The one that this is asked on. */
  readonly instance: Instance;
  readonly recorded: RecordedMachine;
  /** The captured instance as EC2 shows it now, if it does. */
  readonly original?: { readonly id: string; readonly state: string; readonly machine: MachineRecipe };
  readonly snapshots: readonly FoundSnapshot[];
  readonly facts: ObstacleFacts;
  readonly places: PlaceFacts;
  /** The image that the captured instance was launched from, if it is there. */
  readonly image?: ImageState;
  /** The image that the point itself is, while that is available. */
  readonly own?: ImageState;
  readonly userData: UserDataChoice;
  readonly digest: (text: string) => string;
}

/** What would be made. */
export interface MachinePlan {
  /** The same for the same point and label, wherever it is asked. */
  readonly id: string;
  readonly point: RecoveryPoint;
  readonly instance: Instance;
  /**
   * `register`: of an image of the root's snapshot. `swap`: of the original image, whose root gives way. `image`: of the
   * image that the point is.
   */
  readonly way: "register" | "swap" | "image";
  readonly because: string;
  readonly properties: readonly Property[];
  readonly image: NewImage;
  /** In the ways of `swap` and `image`: what it is launched from. */
  readonly original?: ImageState;
  readonly machine: Omit<NewMachine, "image" | "clientToken" | "userData">;
  readonly zone: string;
  readonly rootDevice: string;
  readonly volumes: readonly PlannedVolume[];
  readonly devices: readonly DeviceOrder[];
  readonly left: readonly Left[];
  readonly obstacles: readonly MachineObstacle[];
  readonly notes: readonly string[];
}

/** The id of a restore; it is also what the client tokens are made of. */
function machineRestoreId(point: string, label: string | undefined, digest: MachineGround["digest"]): string {
  return `instance-${digest([point, "instance", label ?? ""].join("\n")).slice(0, 16)}`;
}

/** Plans a new instance of a point. Throws `usage` where the point's volumes cannot be made as recorded. */
export function planMachine(point: RecoveryPoint, wish: MachineWish, ground: MachineGround): MachinePlan {
  const { instance, recorded, original, snapshots, facts } = ground;
  const recipe = recorded.machine ?? original?.machine ?? {};
  const source = recorded.machine !== undefined ? "point" : "the instance";
  const chosen = chooseProperties(wish, recipe, source, ground.places);
  const id = machineRestoreId(point.id, wish.label, ground.digest);
  const tags = {
    [restoreTags.restore]: id,
    [restoreTags.point]: point.id,
    [restoreTags.instance]: forNewInstance,
    [restoredBy]: instance.arn,
  };
  const name = nameOf(point, wish, original?.state);
  const zone = chosen.zone ?? "";
  const made = machineDevices(point, snapshots, recipe.rootDevice, { zone, tags });
  const billing = billingOf(recipe);
  const way = ground.own !== undefined ? "image" : billing === undefined ? "register" : "swap";
  const from = way === "image" ? ground.own : way === "swap" ? ground.image : undefined;
  const userData = { name: "user data", value: ground.userData.value, from: ground.userData.because };
  const blocked = snapshots.flatMap((one) => obstaclesOf(one, facts));
  return {
    id,
    point,
    instance,
    way,
    because: becauseOf(way, billing),
    properties: [nameProperty(name, wish), ...chosen.properties, userData],
    image: {
      name: `ec2-backup ${id}`,
      architecture: chosen.architecture ?? "",
      ...(recipe.bootMode === undefined ? {} : { bootMode: recipe.bootMode }),
      ...(recipe.sriov === undefined ? {} : { sriov: recipe.sriov }),
      ...(recipe.tpm === undefined ? {} : { tpm: recipe.tpm }),
      root: made.root ?? nothing,
      tags,
    },
    ...(from ? { original: from } : {}),
    machine: orderOf({ chosen, recipe, name, tags, way, image: from, devices: made.devices }),
    zone,
    rootDevice: made.root?.device ?? "",
    volumes: made.volumes,
    devices: made.devices,
    left: made.left,
    obstacles: [
      ...recorded.faults.map((found) => damaged(found)),
      ...chosen.obstacles,
      ...ground.userData.obstacles,
      ...made.obstacles,
      ...(way === "swap" ? imageObstacles(recipe, ground.image, billing ?? "") : []),
      ...blocked.map((one) => ({ ...one, about: one.snapshot })),
    ],
    notes: notesOf(point, way, ground),
  };
}

function becauseOf(way: MachinePlan["way"], billing: string | undefined): string {
  if (way === "image")
    return "the point is an image, with whatever billing codes it has: it is launched itself";
  return billing ?? "its image is made of the root's snapshot";
}

/** Of devices that the image has, its own snapshots: EC2 takes no others for the root. The rest is the plan's. */
function ofImage(devices: readonly DeviceOrder[], image: ImageState | undefined): readonly DeviceOrder[] {
  return devices.map((one) => (image?.devices.includes(one.device) ? { ...one, snapshot: "" } : one));
}

/** Devices of the image that the new machine is not to have, or gets in another way. */
function withoutOf(
  way: MachinePlan["way"],
  image: ImageState | undefined,
  devices: readonly DeviceOrder[],
): readonly string[] {
  const all = image?.devices ?? [];
  if (way === "swap") return all.filter((one) => one !== image?.rootDevice);
  return all.filter((one) => !devices.some(({ device }) => device === one));
}

/** The launch as far as it is known before there is an image and a token. */
function orderOf({
  chosen,
  recipe,
  name,
  tags,
  way,
  image,
  devices,
}: {
  readonly chosen: Chosen;
  readonly recipe: MachineRecipe;
  readonly name: string | undefined;
  readonly tags: Tags;
  readonly way: MachinePlan["way"];
  readonly image: ImageState | undefined;
  readonly devices: readonly DeviceOrder[];
}): MachinePlan["machine"] {
  return {
    type: chosen.type ?? "",
    subnet: chosen.subnet ?? "",
    groups: chosen.groups,
    ...(chosen.profile === undefined ? {} : { profile: chosen.profile }),
    ...(chosen.keyName === undefined ? {} : { keyName: chosen.keyName }),
    ...(recipe.ebsOptimized === undefined ? {} : { ebsOptimized: recipe.ebsOptimized }),
    ...(recipe.tenancy === undefined ? {} : { tenancy: recipe.tenancy }),
    ...(recipe.metadata === undefined ? {} : { metadata: recipe.metadata }),
    devices: way === "register" ? devices : way === "image" ? ofImage(devices, image) : [],
    without: withoutOf(way, image, devices),
    tags: { ...tags, ...(name === undefined ? {} : { Name: name }) },
    volumeTags: tags,
  };
}

/** Tags of an instance restore as far as they decide who may undo it. */
export function isOurs(tags: Tags, id: string | undefined): boolean {
  const restore = tags[restoreTags.restore] ?? "";
  return (
    /^instance-[0-9a-f]{16}$/.test(restore) &&
    (id === undefined || restore === id) &&
    tags[restoreTags.instance] === forNewInstance
  );
}
