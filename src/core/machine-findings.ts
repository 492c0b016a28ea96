import type { Instance } from "./instance.ts";
import type { DeviceOrder, ImageState } from "./machine-ports.ts";
import type { MachineRecipe } from "./machine-recipe.ts";
import type { MachineObstacle, MachineWish, Property } from "./machine-wish.ts";
import type { RecordedMachine } from "./recorded-machine.ts";
import type { RecoveryPoint } from "./recovery-point.ts";

export const nothing: DeviceOrder = {
  device: "",
  snapshot: "",
  type: "",
  sizeGiB: 0,
  deleteOnTermination: true,
};

/** As it was called; not by the same name twice while the captured instance is there. */
export function nameOf(
  point: RecoveryPoint,
  wish: MachineWish,
  state: string | undefined,
): string | undefined {
  const there = state !== undefined && state !== "terminated" && state !== "shutting-down";
  return wish.name ?? (point.name === undefined || !there ? point.name : `${point.name} restored`);
}

export function nameProperty(name: string | undefined, wish: MachineWish): Property {
  return { name: "Name", value: name ?? "none", from: wish.name === undefined ? "point" : "flag" };
}

export function damaged(found: string): MachineObstacle {
  return {
    about: "record",
    severity: "note",
    found: `the record of the machine is damaged: ${found}`,
    remedy: "look at each property below before you say --yes",
  };
}

/**
 * What an image made of a snapshot would not be billed for, and so is not entitled to (EC2 API reference,
 * RegisterImage: the billing codes of Windows, Red Hat, SUSE and marketplace images are lost).
 */
export function billingOf({ platform, usage, codes }: MachineRecipe): string | undefined {
  const lost =
    "which an image of a snapshot would lose: the original image is launched, and its root replaced";
  if (codes !== undefined && codes.length > 0) return `it carries product codes, ${lost}`;
  if (usage !== undefined && usage !== "RunInstances") return `it is billed as ${platform ?? usage}, ${lost}`;
  if (platform !== undefined && platform !== "Linux/UNIX") return `it is billed as ${platform}, ${lost}`;
  return undefined;
}

export function imageObstacles(
  { image: id }: MachineRecipe,
  image: ImageState | undefined,
  billing: string,
): MachineObstacle[] {
  if (image?.state === "available") return [];
  const state =
    image === undefined ? "is not there any more, or is not shared with this account" : `is ${image.state}`;
  return [
    {
      about: "image",
      severity: "blocks",
      found: `${billing.split(",")[0]}, and its image ${id ?? "(not recorded)"} ${state}`,
      remedy:
        "launch an instance of a current image of that kind, and bring the volumes back there: ec2-backup restore volumes",
    },
  ];
}

export function notesOf(
  point: RecoveryPoint,
  way: string,
  {
    original,
    instance,
    recorded,
  }: {
    readonly original?: { readonly id: string; readonly state: string };
    readonly instance: Instance;
    readonly recorded: RecordedMachine;
  },
): string[] {
  const own = point.instanceArn === instance.arn ? ", which is this one," : "";
  const living = original !== undefined && original.state !== "terminated";
  return [
    ...(point.state === "complete"
      ? []
      : [`the point is ${point.state}: what it holds can be restored, but it is no whole`]),
    ...(recorded.machine === undefined && original !== undefined
      ? [`the point does not tell of its machine: what ${original.id} is now is taken`]
      : []),
    ...(living
      ? [
          `${original.id}${own} is ${original.state}: two machines with the same name, addresses in files and jobs may get into each other's way`,
        ]
      : []),
    "to cloud-init it is a new instance: it makes new SSH host keys and runs the user data again",
    "the agent in the copy knows that it is another instance: it begins a series of its own, and never touches the original's points",
    "tags other than Name, Elastic IPs, target groups and alarms are not part of a point: set them when it runs",
    ...(way === "swap"
      ? ["the original image boots once, without user data, before its root gives way"]
      : []),
  ];
}
