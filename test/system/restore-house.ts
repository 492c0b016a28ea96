import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { Scenario, ScenarioVolume } from "../../src/simulator/scenario.ts";
import { everythingOf, makeOddTree } from "../host/odd-tree.ts";
import type { Ended, Start } from "./bench.ts";
import { type BenchDisk, BlockBench } from "./block-bench.ts";
import { GuestDevices } from "./guest-devices.ts";
import { HeldStage } from "./held-stage.ts";
import { sh } from "./loop-disks.ts";
import type { Told } from "./restore-host.ts";
import type { ServerKind } from "./servers.ts";
import { Stack } from "./stack.ts";
import { type Subject, underLoad } from "./subjects.ts";

/** How the volumes are said to be, in the order of their disks: none is what EC2 would make by itself. */
export const shapes = [
  { size: 10, type: "gp3", iops: 4_000, throughput: 300, tags: { Name: "data", Team: "a b=c/d" } },
  { size: 8, type: "io2", iops: 1_200, tags: { Name: "files" } },
  { size: 125, type: "st1", tags: { Name: "left" } },
  { size: 6, type: "gp2", tags: { Name: "right" } },
] as const satisfies readonly Partial<ScenarioVolume>[];

/** A host with databases under load and odd trees on ext4, XFS and a btrfs of two volumes. */
export class RestoreHouse implements AsyncDisposable {
  readonly #stack: Stack;
  readonly blocks: BlockBench;
  readonly stage: HeldStage;
  readonly guest: GuestDevices;
  readonly subjects: readonly Subject[];
  /** The disks `data` (ext4), `files` (XFS), `left` and `right` (btrfs). */
  readonly members: readonly BenchDisk[];

  private constructor(
    stack: Stack,
    parts: Pick<RestoreHouse, "blocks" | "stage" | "guest" | "subjects" | "members">,
  ) {
    this.#stack = stack;
    this.blocks = parts.blocks;
    this.stage = parts.stage;
    this.guest = parts.guest;
    this.subjects = parts.subjects;
    this.members = parts.members;
  }

  /** @param servers that of `data` and that of `files`; undefined for none. */
  static async start(servers: readonly (ServerKind | undefined)[]): Promise<RestoreHouse> {
    await using stack = new Stack();
    const blocks = stack.use(await BlockBench.start());
    const data = await blocks.disk("data", "ext4");
    const files = await blocks.disk("files", "xfs");
    const left = await blocks.unmountedDisk("left", "btrfs", 320);
    const right = await blocks.unmountedDisk("right", "btrfs", 320);
    await sh("mkfs.btrfs", "-q", "-f", "-d", "raid0", "-m", "raid1", left.device, right.device);
    await sh("btrfs", "device", "scan", left.device, right.device);
    const forget = `btrfs device scan --forget ${left.device} ${right.device}`;
    blocks.disks.janitor.undo(`${forget} >/dev/null 2>&1`);
    await blocks.disks.mount(left.device, "left");
    for (const { mount } of [data, files, left]) {
      makeOddTree(mount);
      await sh("sync", "-f", mount);
    }
    const subjects: Subject[] = [];
    for (const [index, disk] of [data, files].entries()) {
      const kind = servers[index];
      if (kind !== undefined) subjects.push(await underLoad(blocks, stack, kind, disk));
    }
    const plain = blocks.scenario();
    const scenario: Scenario = {
      ...plain,
      volumes: (plain.volumes ?? []).map((one, index) => ({ ...one, ...shapes[index] }) as ScenarioVolume),
      times: { createVolume: 0.2, deleteVolume: 0.1, attach: 0.2, detach: 0.2 },
      accessKeys: [{ id: "AKIABLOCKBENCH00001", user: "tester" }],
    };
    const stage = stack.use(await HeldStage.start(scenario));
    const present = Object.fromEntries(blocks.members.map(({ volume, device }) => [volume, device]));
    const { guest: exchange } = stage.bench.simulator.control;
    const guest = stack.use(GuestDevices.start(blocks.disks, exchange, present));
    // What a restore leaves mounted is gone before the devices are.
    stack.defer(async () => {
      const below = `${blocks.disks.directory}/restored`;
      await sh("sh", "-c", `grep -o ' ${below}[^ ]*' /proc/self/mounts | tac | xargs -r umount -l`);
    });
    const members = blocks.members;
    const house = new RestoreHouse(stack.move(), { blocks, stage, guest, subjects, members });
    return house;
  }

  get restoredAt(): string {
    return path.join(this.blocks.disks.directory, "restored");
  }

  /** All of the tree on a filesystem, in words. */
  tree(mount: string): string {
    return everythingOf(mount);
  }

  /** Runs `ec2-backup restore ... --json`. */
  async restore(words: readonly string[], start: Start = {}): Promise<Ended & { told: Told }> {
    const { bench } = this.stage;
    const all = ["--json", "--config", bench.config, "restore", ...words];
    const ended = await bench.execute(all, {
      ...start,
      env: { ...this.stage.environment(), ...start.env },
    });
    return { ...ended, told: JSON.parse(ended.stdout || "{}") as Told };
  }

  /** Volumes that restores have made, as they are now. */
  async made() {
    const { volumes } = await this.stage.world();
    return Object.values(volumes).filter(
      ({ tags, state }) => Object.hasOwn(tags, restoreTags.restore) && state !== "deleting",
    );
  }

  /** Stops the servers as a crash would, and unmounts their disks. */
  async stopServers(): Promise<void> {
    for (const { load, server, disk } of this.subjects) {
      await load.stop();
      await server[Symbol.asyncDispose]();
      await this.blocks.disks.unmount(disk.mount, () => unmounted(disk.mount));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** A server that was killed lets go of its files a little later. */
async function unmounted(mount: string): Promise<string> {
  for (let left = 50; ; left--) {
    try {
      return await sh("umount", mount);
    } catch (error) {
      if (left === 0) throw error;
      await pause(100);
    }
  }
}
