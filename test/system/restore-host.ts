import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tagKeys } from "../../src/core/point-tags.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench, type Ended } from "./bench.ts";
import { GuestDevices, type GuestOptions } from "./guest-devices.ts";
import { scenarioOf } from "./history.ts";
import { LoopDisks, sh } from "./loop-disks.ts";

/** What `restore volumes --json` tells. */
export interface Told {
  readonly exitCode: number;
  readonly plan?: { readonly id: string; readonly volumes: readonly { readonly volume: string }[] };
  readonly result?: {
    readonly outcome: string;
    readonly failure?: { readonly doing: string; readonly found: string };
    readonly volumes: readonly { readonly id?: string; readonly step: string; readonly disk?: string }[];
    readonly mounted: readonly { readonly where: string }[];
    readonly notMounted: readonly { readonly path: string; readonly found: string }[];
  };
  readonly undone?: readonly { readonly id: string; readonly outcome: string }[];
  readonly error?: { readonly found: string };
}

/** How a host is other than usual. */
export interface HostChange {
  /** A btrfs of two volumes that is in use, in the place of an ext4 of one that is not. */
  readonly pair?: boolean;
  /** Of the simulator's world. */
  readonly world?: Partial<Scenario>;
  readonly guest?: GuestOptions;
}

/**
 * A simulated instance whose attached volumes become loop devices of this machine while they are attached. Its data
 * volumes have a point with a filesystem.
 */
export class RestoreHost implements AsyncDisposable {
  readonly bench: Bench;
  readonly disks: LoopDisks;
  readonly #guest: GuestDevices;

  private constructor(bench: Bench, disks: LoopDisks, guest: GuestDevices) {
    this.bench = bench;
    this.disks = disks;
    this.#guest = guest;
  }

  static async start({ pair = false, world = {}, guest = {} }: HostChange = {}): Promise<RestoreHost> {
    const disks = await LoopDisks.start();
    // Whatever is left mounted of what was restored, after its devices are gone.
    const restored = path.join(disks.directory, "restored");
    disks.janitor.undo(`grep -o ' ${restored}[^ ]*' /proc/self/mounts | tac | xargs -r umount -l`);
    const images = pair ? await pairInUse(disks) : [await imageOf(disks)];
    const given = scenarioOf(images.length + 1, 1, { limits: false, images: [] });
    const members = (given.volumes ?? []).map(({ id }) => id);
    const scenario: Scenario = {
      ...given,
      // Names of devices come of the ids of volumes, and other test files make some at the same time.
      seed: randomInt(2 ** 31),
      times: { createVolume: 0.2, deleteVolume: 0.1, attach: 0.2, detach: 0.2 },
      volumeData: path.join(disks.directory, "volumes"),
      snapshots: (given.snapshots ?? []).map((one) => {
        const file = images[members.indexOf(one.volumeId) - 1];
        return one.tags?.[tagKeys.point] === undefined || file === undefined ? one : { ...one, file };
      }),
      ...world,
    };
    const bench = await Bench.start(scenario);
    const { guest: exchange } = bench.simulator.control;
    return new RestoreHost(bench, disks, GuestDevices.start(disks, exchange, {}, guest));
  }

  get mountedAt(): string {
    return path.join(this.disks.directory, "restored");
  }

  /** Runs `ec2-backup restore ... --json`. */
  async restore(words: readonly string[], onStart?: (pid: number) => void): Promise<Ended & { told: Told }> {
    const ended = await this.bench.execute(["--json", "--config", this.bench.config, "restore", ...words], {
      env: { RUNTIME_DIRECTORY: path.join(this.bench.folder, "run") },
      ...(onStart && { onStart }),
    });
    return { ...ended, told: JSON.parse(ended.stdout || "{}") as Told };
  }

  /** Volumes that restores have made, as they are now. */
  async made() {
    const { volumes } = await this.bench.simulator.control.state();
    return Object.values(volumes).filter(
      ({ tags, state }) => Object.hasOwn(tags, restoreTags.restore) && state !== "deleting",
    );
  }

  /** Words that undo the one restore that has made volumes; of what has made none, all that is unfinished. */
  async undoing(): Promise<readonly string[]> {
    const id = (await this.made())[0]?.tags[restoreTags.restore];
    return ["volumes", "--undo", ...(id === undefined ? [] : ["--restore", id]), "--yes"];
  }

  /** The volumes that were there before. */
  async originals(): Promise<string> {
    const { volumes } = await this.bench.simulator.control.state();
    const old = Object.values(volumes).filter(({ tags }) => !Object.hasOwn(tags, restoreTags.restore));
    return JSON.stringify(
      old.map(({ id, tags, attachments }) => [id, tags, attachments.map((one) => one.device)]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guest[Symbol.asyncDispose]();
    await this.disks.janitor[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}

async function imageOf(disks: LoopDisks): Promise<string> {
  const image = await disks.file("image", 16);
  const source = path.join(disks.directory, "source");
  await mkdir(source);
  await writeFile(path.join(source, "sentinel"), "as it was\n");
  await sh("mkfs.ext4", "-q", "-d", source, image);
  return image;
}

/** Copies of the two disks of a btrfs that is mounted and has gone on since. */
async function pairInUse(disks: LoopDisks): Promise<readonly string[]> {
  const files = [await disks.file("one", 128), await disks.file("two", 128)];
  const devices: string[] = [];
  for (const file of files) devices.push(await disks.attach(file));
  await sh("mkfs.btrfs", "-q", "-f", "-d", "raid0", "-m", "raid1", ...devices);
  await sh("btrfs", "device", "scan", ...devices);
  disks.janitor.undo(`btrfs device scan --forget ${devices.join(" ")} >/dev/null 2>&1`);
  const at = await disks.mount(devices[0] ?? "", "in-use");
  await writeFile(path.join(at, "sentinel"), "as it was\n");
  await sh("sync", "-f", at);
  await sh("fsfreeze", "-f", at);
  const images = files.map((file) => `${file}-image`);
  for (const [index, file] of files.entries()) await sh("cp", "--sparse=always", file, images[index] ?? "");
  await sh("fsfreeze", "-u", at);
  await writeFile(path.join(at, "sentinel"), "as it is now\n");
  return images;
}
