import { closeSync, constants, openSync } from "node:fs";
import { lstat, mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { GuestReport, GuestView } from "../../src/simulator/guest.ts";
import { detaching, type LoopDisks, sh } from "./loop-disks.ts";

type Wanted = GuestView["devices"][number];

/** How the kernel of a simulated instance behaves. */
export interface GuestOptions {
  /** Default: the instance of the metadata service. */
  readonly instance?: string;
  /** Milliseconds between two looks. Default 50. */
  readonly every?: number;
  /** Milliseconds after which the kernel has a new device, and after which udev has its link. Default 0. */
  readonly appears?: number;
  readonly linked?: number;
  /** Milliseconds for which the kernel keeps a device that it may give back. Default 0. */
  readonly leaves?: number;
  /** Whether names of namespaces (`..._1`) are linked too, as some distributions do. */
  readonly namespaces?: boolean;
  /** Told of each boot after the first look, before devices come and go again. */
  onBoot?(boots: number): Promise<void> | void;
}

interface Plugged {
  readonly device: string;
  readonly links: string[];
  /** Whether we made it, and so may take it away. */
  readonly ours: boolean;
  leavingSince?: number;
}

const byId = "/dev/disk/by-id";

/** The link that udev makes for an EBS volume. */
export function linkOf(volume: string): string {
  return path.join(byId, `nvme-Amazon_Elastic_Block_Store_${volume.replace("-", "")}`);
}

/**
 * Plays the kernel and the udev of the simulated instance: for each attached volume that has a file there is a loop
 * device, with links by its serial, its partitions too; it goes when the volume is detached and nothing holds it. The
 * simulator is told what is there, so that a mounted volume is `busy` and stays. Everything is gone when the test ends.
 */
export class GuestDevices implements AsyncDisposable {
  readonly #disks: LoopDisks;
  readonly #exchange: (report: GuestReport) => Promise<GuestView>;
  readonly #options: GuestOptions;
  readonly #plugged = new Map<string, Plugged>();
  readonly #seen = new Map<string, number>();
  readonly #stopped = new AbortController();
  #boots: number | undefined;
  #loop: Promise<void> = Promise.resolve();
  #fault: unknown;

  private constructor(
    disks: LoopDisks,
    exchange: (report: GuestReport) => Promise<GuestView>,
    options: GuestOptions,
  ) {
    this.#disks = disks;
    this.#exchange = exchange;
    this.#options = options;
  }

  /**
   * @param exchange `control.guest`, or the same over HTTP (POST /_simulator/guest).
   * @param present devices that are there already, such as those of a bench: by volume id. They are never taken away.
   */
  static start(
    disks: LoopDisks,
    exchange: (report: GuestReport) => Promise<GuestView>,
    present: Readonly<Record<string, string>> = {},
    options: GuestOptions = {},
  ): GuestDevices {
    const guest = new GuestDevices(disks, exchange, options);
    for (const [volume, device] of Object.entries(present))
      guest.#plugged.set(volume, { device, links: [], ours: false });
    guest.#loop = guest.#run().catch((error: unknown) => {
      guest.#fault = error;
    });
    return guest;
  }

  /** The loop device of a volume, once udev has linked it. @throws after so many milliseconds, or what went wrong */
  async device(volume: string, milliseconds = 10_000): Promise<string> {
    const ready = () => {
      const plugged = this.#plugged.get(volume);
      return plugged !== undefined && (!plugged.ours || plugged.links.length > 0);
    };
    await this.#until(ready, milliseconds, `the device of ${volume} never came`);
    return this.#plugged.get(volume)?.device ?? "";
  }

  /** Waits until a volume's device is gone. */
  async gone(volume: string, milliseconds = 10_000): Promise<void> {
    await this.#until(() => !this.#plugged.has(volume), milliseconds, `${volume} stayed`);
  }

  /** The volumes whose devices are there. */
  get volumes(): string[] {
    return [...this.#plugged.keys()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
    for (const [volume, plugged] of this.#plugged) if (plugged.ours) await this.#unplug(volume, plugged);
    // A simulator that goes on waits for nobody; one that has ended needs not be told.
    const { instance } = this.#options;
    await this.#exchange({ ...(instance === undefined ? {} : { instance }), devices: [] }).catch(
      () => undefined,
    );
    if (this.#fault !== undefined) throw this.#fault;
  }

  async #until(there: () => boolean, milliseconds: number, otherwise: string): Promise<void> {
    const until = performance.now() + milliseconds;
    while (!there()) {
      if (this.#fault !== undefined) throw this.#fault;
      if (performance.now() > until) throw new Error(otherwise);
      await pause(10);
    }
  }

  async #run(): Promise<void> {
    await mkdir(byId, { recursive: true });
    while (!this.#stopped.signal.aborted) {
      await this.#look();
      await pause(this.#options.every ?? 50);
    }
  }

  async #look(): Promise<void> {
    const devices = [...this.#plugged].map(([volume, { device }]) => ({ volume, held: isHeld(device) }));
    const { instance, onBoot } = this.#options;
    const view = await this.#exchange({ ...(instance === undefined ? {} : { instance }), devices });
    if (this.#boots !== undefined && view.boots !== this.#boots) await onBoot?.(view.boots);
    this.#boots = view.boots;
    const now = performance.now();
    for (const wanted of view.devices) await this.#follow(wanted, now);
    const there = new Set(view.devices.map(({ volume }) => volume));
    for (const [volume, plugged] of this.#plugged) {
      if (there.has(volume)) continue;
      // Detached by force, perhaps all of it between two looks, or the instance is down: it is gone, whoever holds it.
      // A bench's disk is still there when the instance is up again.
      if (plugged.ours || (view.running && this.#seen.has(volume))) await this.#unplug(volume, plugged);
    }
    for (const volume of this.#seen.keys()) if (!there.has(volume)) this.#seen.delete(volume);
  }

  async #follow(wanted: Wanted, now: number): Promise<void> {
    const { volume, file, leaving } = wanted;
    const plugged = this.#plugged.get(volume);
    const { appears = 0, linked = 0, leaves = 0 } = this.#options;
    if (leaving) {
      if (plugged === undefined) return;
      plugged.leavingSince ??= now;
      if (now - plugged.leavingSince >= leaves && !isHeld(plugged.device))
        await this.#unplug(volume, plugged);
      return;
    }
    const since = this.#seen.get(volume) ?? now;
    this.#seen.set(volume, since);
    if (plugged === undefined && file !== null && now - since >= appears)
      this.#plugged.set(volume, { device: await this.#plug(file), links: [], ours: true });
    const mine = this.#plugged.get(volume);
    if (mine?.ours && mine.links.length === 0 && now - since >= appears + linked)
      mine.links.push(...(await this.#link(volume, mine.device)));
  }

  async #plug(file: string): Promise<string> {
    const words = ["--find", "--show", "--partscan", "--direct-io=on", file];
    const device = await sh("losetup", ...words);
    this.#disks.whenAttached(device);
    this.#disks.janitor.undo(detaching(device, file));
    return device;
  }

  async #link(volume: string, device: string): Promise<string[]> {
    const name = path.basename(device);
    const partitions = (await readdir(`/sys/block/${name}`)).filter((each) => each.startsWith(`${name}p`));
    const ends = ["", ...(this.#options.namespaces === true ? ["_1"] : [])];
    const made: string[] = [];
    for (const end of ends) {
      for (const one of [name, ...partitions]) {
        const part = one === name ? "" : `-part${one.slice(name.length + 1)}`;
        const link = `${linkOf(volume)}${end}${part}`;
        this.#disks.janitor.undo(`rm -f ${link}`);
        await sh("ln", "-sfn", `../../${one}`, link);
        made.push(link);
      }
    }
    return made;
  }

  async #unplug(volume: string, { device, links, ours }: Plugged): Promise<void> {
    const all = links.length > 0 ? links : await linksTo(volume);
    for (const link of all) await sh("rm", "-f", link);
    // One that is still mounted goes when it is unmounted. Of a bench's disk only the link goes: the bench has the rest.
    if (ours) {
      await sh("blockdev", "--setrw", device);
      await sh("losetup", "-d", device);
    }
    this.#plugged.delete(volume);
    this.#seen.delete(volume);
  }
}

async function linksTo(volume: string): Promise<string[]> {
  const there = await lstat(linkOf(volume)).catch(() => undefined);
  return there === undefined ? [] : [linkOf(volume)];
}

/** Whether somebody has the device for himself: a mount, LVM, md, swap. */
function isHeld(device: string): boolean {
  try {
    closeSync(openSync(device, constants.O_RDONLY | constants.O_EXCL));
    return false;
  } catch {
    return true;
  }
}
