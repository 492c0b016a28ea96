import { find, refuseFaults } from "./changing.ts";
import { flag, list, object, text } from "./check.ts";
import type { World } from "./world.ts";

/** What an instance's kernel has, told by whoever plays it. */
export interface GuestReport {
  /** Default: the instance of the metadata service. */
  instance?: string;
  /** The volumes whose devices are there, and whether something holds one (a mount, LVM, an open file). */
  devices: { volume: string; held: boolean }[];
}

/** What the instance's kernel should have. */
export interface GuestView {
  /** How often its system was booted: what was mounted goes with each boot. */
  boots: number;
  /** Whether its system is up: while it is not, it has no devices, attached or not. */
  running: boolean;
  /** Volumes that are plugged in, with the file that holds the bytes; `leaving` ones are to be given back. */
  devices: {
    volume: string;
    /** As NVMe tells it: the volume id without its dash. */
    serial: string;
    device: string;
    file: string | null;
    state: "attaching" | "attached" | "detaching" | "busy";
    leaving: boolean;
  }[];
}

const guestReport = object(
  { instance: text(), devices: list(object({ volume: text(), held: flag }, ["volume", "held"])) },
  ["devices"],
);

/**
 * Takes what the kernel of an instance has and tells what it should have. From the first report on a volume of that
 * instance is detached only when its device is no longer reported, or by force; one that is held is `busy`.
 * @throws ControlError
 */
export function exchangeWithGuest(world: World, given: unknown): GuestView {
  refuseFaults(guestReport, given, "guest");
  const report = given as GuestReport;
  const instance = find(world.instances, report.instance ?? world.settings.self, "instance");
  instance.played = true;
  const held = new Map(report.devices.map((each) => [each.volume, each.held]));
  const running = instance.state === "running" && instance.rebootsAt === null;
  const devices: GuestView["devices"] = [];
  for (const volume of Object.values(world.volumes)) {
    for (const attachment of volume.attachments.filter((each) => each.instance === instance.id)) {
      const holds = held.get(volume.id);
      attachment.guest = holds === undefined ? "absent" : holds ? "held" : "idle";
      if (attachment.state === "detaching" && holds === true) attachment.state = "busy";
      if (!running) continue;
      const { state, device } = attachment;
      const leaving = state === "detaching" || state === "busy";
      devices.push({
        volume: volume.id,
        serial: volume.id.replace("-", ""),
        device,
        file: volume.file,
        state,
        leaving,
      });
    }
  }
  return { boots: instance.boots, running, devices };
}
