import { digest } from "../ids.ts";
import type { World } from "../world.ts";
import type { Instance } from "./machines.ts";
import type { Attachment, Volume } from "./volume.ts";

/** What tells the volumes of an instance. */
export type Attached = (instance: string) => readonly { volume: Volume; attachment: Attachment }[];

/** The codes of an instance's states. */
export const stateCodes = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

/** What DescribeVolumes calls busy has no name of its own here. */
export const statusOf = ({ state }: Attachment) => (state === "busy" ? "detaching" : state);
/** Each instance is in a reservation of its own. */
export const reservationOf = (instance: Instance) => `r-0${digest(instance.id).slice(0, 16)}`;
/** The ARN of an instance profile, which has its role's name. */
export const profileArn = (instance: Instance, world: World) =>
  `arn:${world.settings.partition}:iam::${world.settings.account}:instance-profile/${instance.role}`;

/** What its root device is. */
export const rootDeviceType = (instance: Instance) => (instance.rootInstanceStore ? "instance-store" : "ebs");
/** The request of a spot instance. */
export const spotRequestOf = (instance: Instance) => `sir-${digest(instance.id).slice(0, 8)}`;
