import { randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tagKeys } from "../../src/core/point-tags.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench, type Ended } from "./bench.ts";
import { GuestDevices } from "./guest-devices.ts";
import { instance, scenarioOf, volumesOf } from "./history.ts";
import { type FilesystemName, LoopDisks, sh } from "./loop-disks.ts";

/** What `drill --json` tells. */
export interface ToldDrills {
  readonly exitCode: number;
  readonly reports?: readonly {
    readonly outcome: string;
    readonly job: string;
    readonly subject: { readonly id: string };
    readonly point?: { readonly id: string; readonly snapshots: readonly string[] };
    readonly sizeGiB: number;
    readonly left: readonly { readonly volume: string }[];
    readonly checks: readonly {
      readonly check: string;
      readonly on: string;
      readonly outcome: string;
      readonly detail?: string;
    }[];
    readonly problems: readonly { readonly severity: string; readonly found: string }[];
  }[];
  readonly removed?: readonly { readonly id: string; readonly outcome: string }[];
  readonly error?: { readonly kind: string; readonly found: string };
}

export const mebibytes: Readonly<Record<FilesystemName, number>> = { ext4: 16, xfs: 300, btrfs: 128 };

/** An instance whose data volumes have a point with the filesystems that a test has made; drills see real disks. */
export class DrillHost implements AsyncDisposable {
  readonly bench: Bench;
  readonly disks: LoopDisks;
  readonly #guest: GuestDevices;
  /** The files that the snapshots of the data volumes have, one for each filesystem. */
  readonly images: readonly string[];

  private constructor(bench: Bench, disks: LoopDisks, images: readonly string[]) {
    this.bench = bench;
    this.disks = disks;
    this.images = images;
    this.#guest = GuestDevices.start(disks, bench.simulator.control.guest);
  }

  /** `fill` writes what each filesystem is to hold, below its mount. */
  static async start(
    filesystems: readonly FilesystemName[],
    fill: (mount: string, filesystem: FilesystemName) => Promise<void>,
    size: Partial<typeof mebibytes> = {},
    more: {
      readonly extra?: Scenario["volumes"];
      readonly change?: Partial<Scenario>;
      readonly crashed?: boolean;
      readonly root?: boolean;
    } = {},
  ): Promise<DrillHost> {
    const disks = await LoopDisks.start();
    const images: string[] = [];
    for (const [index, filesystem] of filesystems.entries()) {
      const image = await disks.file(`image${index}`, size[filesystem] ?? mebibytes[filesystem]);
      await sh(`mkfs.${filesystem}`, filesystem === "ext4" ? "-q" : "-f", image);
      // The loop device goes with the mount: its number may soon be another's.
      const at = await disks.mount(image, `source${index}`, "-o", "loop");
      await fill(at, filesystem);
      if (more.crashed === true) {
        // As a snapshot finds it that nobody held still for: what is in the journal is nowhere else.
        await sh("sh", "-c", `sync -f ${at}; echo more > ${at}/more; sync ${at}/more; touch ${at}/last`);
        await sh("cp", "--sparse=always", image, `${image}.crashed`);
      }
      await disks.unmount(at);
      images.push(more.crashed === true ? `${image}.crashed` : image);
    }
    const given = scenarioOf(filesystems.length + 1, 1, { limits: false, images: [], ...more.change });
    const ids = volumesOf(filesystems.length + 1).map(({ id }) => id);
    const scenario = {
      ...given,
      // Links to disks are one namespace for all tests of a machine: none may make volumes of another's ids.
      seed: randomInt(2 ** 31),
      volumes: [...(given.volumes ?? []), ...(more.extra ?? [])],
      times: { createVolume: 0.1, deleteVolume: 0.1, attach: 0.1, detach: 0.1 },
      volumeData: path.join(disks.directory, "volumes"),
      snapshots: (given.snapshots ?? []).map((one) => {
        const index = ids.indexOf(one.volumeId);
        const file = index === 0 && more.root === true ? images[0] : images[index - 1];
        return one.tags?.[tagKeys.point] === undefined || file === undefined ? one : { ...one, file };
      }),
    } as Scenario;
    return new DrillHost(await Bench.start(scenario), disks, images);
  }

  /** Writes a configuration with one drill of these words, and what stands beside it. */
  async configure(drill: object, more: object = {}): Promise<void> {
    const jobs = { default: { schedule: "0 2 * * *", retention: { last: 4 } } };
    const file = { version: 1, jobs, drill: { weekly: drill }, ...more };
    await writeFile(this.bench.config, JSON.stringify(file), { mode: 0o600 });
  }

  /** Runs `ec2-backup ... --json` with this configuration. */
  async execute(words: readonly string[], onStart?: (pid: number) => void): Promise<Ended> {
    return this.bench.execute(["--json", "--config", this.bench.config, ...words], {
      env: { RUNTIME_DIRECTORY: this.runtime },
      ...(onStart && { onStart }),
    });
  }

  async drill(
    words: readonly string[] = [],
    onStart?: (pid: number) => void,
  ): Promise<Ended & { readonly told: ToldDrills }> {
    const ended = await this.execute(["drill", ...words], onStart);
    return { ...ended, told: JSON.parse(ended.stdout || "{}") as ToldDrills };
  }

  get runtime(): string {
    return path.join(this.bench.folder, "run");
  }

  /** Volumes that were made here and are there now. */
  async made() {
    const { volumes } = await this.bench.simulator.control.state();
    return Object.values(volumes).filter(
      ({ tags, state }) => Object.hasOwn(tags, restoreTags.restore) && state !== "deleting",
    );
  }

  /** All that was there before and must not change. */
  async originals(): Promise<string> {
    const { volumes } = await this.bench.simulator.control.state();
    const old = Object.values(volumes).filter(({ tags }) => !Object.hasOwn(tags, restoreTags.restore));
    return JSON.stringify(
      old.map(({ id, tags, state, attachments }) => [id, tags, state, attachments.map((one) => one.device)]),
    );
  }

  /** The data points of a metric as CloudWatch has them, by the values of their dimensions. */
  async metrics(name: string): Promise<Readonly<Record<string, readonly number[]>>> {
    const { series } = await this.bench.simulator.control.state();
    return Object.fromEntries(
      Object.values(series)
        .filter((one) => one.name === name)
        .map((one) => [
          one.dimensions.map(({ Value }) => Value).join(" "),
          one.points.map((point) => point.maximum),
        ]),
    );
  }

  /** The tag that drills write, of each snapshot of the point. */
  async verified(): Promise<readonly string[]> {
    const { snapshots } = await this.bench.simulator.control.state();
    return Object.values(snapshots)
      .filter(({ tags }) => tags[tagKeys.point] !== undefined)
      .map(({ tags }) => (tags[tagKeys.verified] ?? "never").replace(/^\d{4}-\S+ /, ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = `${this.runtime}-drill/`;
    this.disks.janitor.undo(`grep -o ' ${left}[^ ]*' /proc/self/mounts | xargs -r -n1 umount; true`);
    await this.disks.janitor[Symbol.asyncDispose]().catch(() => undefined);
    await this.#guest[Symbol.asyncDispose]().catch(() => undefined);
    await this.bench[Symbol.asyncDispose]();
  }
}

export const me = instance;

/** A directory with files of known sums. */
export async function tree(mount: string): Promise<void> {
  await mkdir(path.join(mount, "srv"));
  await writeFile(path.join(mount, "srv", "sentinel"), "as it was\n");
  await writeFile(path.join(mount, "srv", "data"), Buffer.alloc(1024 * 1024, "0123456789abcdef"));
  await sh("sh", "-c", `cd ${mount}/srv && sha256sum sentinel data > SHA256SUMS`);
}
