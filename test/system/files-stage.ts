import { randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { CreateTagsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { expect } from "vitest";
import { restoreTags } from "../../src/core/restore-plan.ts";
import { makeOddTree } from "../host/odd-tree.ts";
import { Bench, type Ended, type Start } from "./bench.ts";
import { BlockBench } from "./block-bench.ts";
import { GuestDevices } from "./guest-devices.ts";
import { sh } from "./loop-disks.ts";

/** What `restore file|ls|cat --json` tells, as far as tests go by it. */
export interface FilesTold {
  readonly exitCode: number;
  readonly to?: string;
  readonly ways?: readonly { readonly volumes: readonly string[]; readonly because: string }[];
  readonly entries?: readonly { readonly name: string; readonly kind: string }[];
  readonly copied?: { readonly to: string; readonly continued: boolean };
  readonly leftovers?: readonly { readonly id: string; readonly outcome: string }[];
  readonly left?: string;
  readonly error?: { readonly kind: string; readonly found: string; readonly remedy?: string };
}

const keys = { accessKeyId: "AKIAFILESSTAGE00001", secretAccessKey: "secret" };

/**
 * The built agent on an instance whose volumes are loop disks of this machine, with a kernel that makes disks of what
 * is attached. `data` is an ext4 with an odd tree.
 */
export class FilesStage implements AsyncDisposable {
  readonly block: BlockBench;
  readonly bench: Bench;
  readonly guest: GuestDevices;
  readonly data: string;
  #before = "";

  private constructor(block: BlockBench, bench: Bench, guest: GuestDevices, data: string) {
    this.block = block;
    this.bench = bench;
    this.guest = guest;
    this.data = data;
  }

  /** `more` makes further disks before the instance starts, and `fill` further files on `data`. */
  static async start(
    more: (block: BlockBench) => Promise<void> = () => Promise.resolve(),
    fill: (data: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<FilesStage> {
    const block = await BlockBench.start();
    const data = await block.disk("data", "ext4", 64);
    makeOddTree(data.mount);
    await fill(data.mount);
    await more(block);
    const times = { createVolume: 0.1, attach: 0.1, detach: 0.1, deleteVolume: 0.1 };
    const bench = await Bench.start(
      {
        ...block.scenario(),
        settle: { seconds: 0.1 },
        times,
        accessKeys: [{ id: keys.accessKeyId, user: "tester" }],
        // Links to disks are named by volumes: those of tests that run beside us must have other names.
        seed: randomInt(2 ** 31),
      },
      { settleEvery: "200ms" },
    );
    await mkdir(path.join(bench.folder, "run"), { mode: 0o700 });
    const present = Object.fromEntries(block.members.map(({ volume, device }) => [volume, device]));
    const guest = GuestDevices.start(block.disks, bench.simulator.control.guest, present, { every: 100 });
    const stage = new FilesStage(block, bench, guest, data.mount);
    await stage.capture();
    return stage;
  }

  /** A point of all volumes as they are now. */
  async capture(): Promise<void> {
    for (const { mount } of this.block.members) await sh("sync", "-f", mount).catch(() => undefined);
    const run = await this.bench.run({ env: this.#env }, "--wait");
    expect(run.report.points, run.stdout + run.stderr).toHaveLength(1);
    this.#before = await this.#others();
  }

  /** Writes tags on all snapshots. */
  async retag(tags: Readonly<Record<string, string>>): Promise<void> {
    const { control, url } = this.bench.simulator;
    const ec2 = new EC2Client({ endpoint: url, region: "eu-central-1", credentials: keys });
    const Resources = Object.keys((await control.state()).snapshots);
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await ec2.send(new CreateTagsCommand({ Resources, Tags }));
    ec2.destroy();
  }

  get runtime(): string {
    return path.join(this.bench.folder, "run");
  }

  get #env(): Record<string, string> {
    return { RUNTIME_DIRECTORY: this.runtime };
  }

  /** Runs `ec2-backup restore ...`. */
  run(words: readonly string[], start: Start = {}): Promise<Ended> {
    const all = ["--config", this.bench.config, "restore", ...words];
    return this.bench.execute(all, { ...start, env: { ...this.#env, ...start.env } });
  }

  async restore(words: readonly string[], start: Start = {}): Promise<Ended & { readonly told: FilesTold }> {
    const ended = await this.run([...words, "--json"], start);
    return { ...ended, told: JSON.parse(ended.stdout || "{}") as FilesTold };
  }

  /** Volumes that were made and are not gone. */
  async made(): Promise<string[]> {
    const { volumes } = await this.bench.simulator.control.state();
    return Object.values(volumes)
      .filter(({ tags, state }) => Object.hasOwn(tags, restoreTags.restore) && state !== "deleting")
      .map(({ id }) => id);
  }

  /** Nothing is left of any copy: no volume, no mount, no directory; and all else is as it was. */
  async expectClean(where = ""): Promise<void> {
    expect(await this.made(), where).toEqual([]);
    expect(await sh("sh", "-c", `grep -c ${this.bench.folder}/run /proc/self/mountinfo || true`), where).toBe(
      "0",
    );
    expect(await sh("find", path.join(this.bench.folder, "run"), "-mindepth", "2"), where).toBe("");
    expect(await this.#others(), where).toBe(this.#before);
  }

  async #others(): Promise<string> {
    const { volumes } = await this.bench.simulator.control.state();
    const others = Object.values(volumes).filter(({ tags }) => !Object.hasOwn(tags, restoreTags.restore));
    return JSON.stringify(others.map(({ id, tags, attachments }) => [id, tags, attachments.length]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guest[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
    await this.block[Symbol.asyncDispose]();
  }
}
