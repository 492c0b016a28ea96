import path from "node:path";
import { tagKeys } from "../../src/core/point-tags.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { Volume } from "../../src/simulator/ec2/volume.ts";
import type { Scenario, ScenarioImage, ScenarioInstance } from "../../src/simulator/scenario.ts";
import { Bench, type Ended } from "./bench.ts";

/** The machine that is captured and lost. */
export const source = {
  id: "i-0fa00000000000002",
  userData: "#!/bin/sh\necho password=hunter2\n",
} as const;

/** Where the restore is asked for. */
export const helper = "i-0fa00000000000001";
const vpc = "vpc-0fa00000000000001";

/** What `restore instance --json` tells. */
export interface Told {
  readonly plan?: {
    readonly id: string;
    readonly way: string;
    readonly properties: readonly { readonly name: string; readonly value: string; readonly from: string }[];
    readonly obstacles: readonly {
      readonly about: string;
      readonly severity: string;
      readonly found: string;
      readonly remedy?: string;
    }[];
  };
  readonly result?: {
    readonly outcome: string;
    readonly machine?: { readonly id: string; readonly state: string };
    readonly image?: string;
    readonly health?: object;
    readonly failure?: { readonly doing: string; readonly found: string };
    readonly left?: { readonly doing: string };
  };
  readonly undone?: readonly { readonly id: string; readonly kind: string; readonly outcome: string }[];
  readonly error?: { readonly found: string };
}

/** What volumes have to have in common with those that were captured, by device. */
export function shapesOf(volumes: readonly Volume[]) {
  return volumes
    .map(({ type, iops, throughput, size, attachments: [attachment] }) => ({
      type,
      iops,
      throughput,
      size,
      device: attachment?.device,
      goes: attachment?.deleteOnTermination,
    }))
    .sort((a, b) => ((a.device ?? "") < (b.device ?? "") ? -1 : 1));
}

/** A machine with a point of its own, and another one from which it is brought back. */
export class Machines implements AsyncDisposable {
  readonly bench: Bench;

  private constructor(bench: Bench) {
    this.bench = bench;
  }

  static async start(
    change: Partial<ScenarioInstance> = {},
    image: Partial<ScenarioImage> = {},
    job: Parameters<typeof Bench.start>[1] = {},
    more: Partial<Scenario> = {},
  ): Promise<Machines> {
    const scenario: Scenario = {
      account: "111122223333",
      region: "eu-central-1",
      zone: "eu-central-1a",
      self: source.id,
      limits: false,
      settle: { seconds: 0.1, secondsPerGiB: 0 },
      clock: { speed: 10 },
      times: {
        createVolume: 1,
        deleteVolume: 0.5,
        attach: 1,
        detach: 1,
        start: 2,
        stop: 1,
        terminate: 1,
        image: 1,
      },
      subnets: [
        { id: "subnet-0fa00000000000001", zone: "eu-central-1a", vpc },
        { id: "subnet-0fa00000000000002", zone: "eu-central-1b", vpc },
      ],
      securityGroups: [
        { id: "sg-0fa00000000000001", name: "default", vpc },
        { id: "sg-0fa00000000000002", name: "web", vpc },
        { id: "sg-0fa00000000000003", name: "data", vpc },
      ],
      instances: [
        {
          id: source.id,
          name: "web",
          tags: { Backup: "yes" },
          role: "web-role",
          instanceType: "c7g.xlarge",
          imageId: "ami-0fa00000000000001",
          rootDeviceName: "/dev/sda1",
          subnetId: "subnet-0fa00000000000002",
          securityGroups: ["sg-0fa00000000000002", "sg-0fa00000000000003"],
          bootMode: "uefi",
          keyName: "admin key",
          userData: source.userData,
          ...change,
        },
        { id: helper, name: "helper" },
      ],
      images: [
        {
          id: "ami-0fa00000000000001",
          architecture: "arm64",
          rootDeviceName: "/dev/sda1",
          ...image,
          snapshots: { "/dev/sda1": "snap-0fa00000000000001", "/dev/sdz": "snap-0fa00000000000001" },
        },
      ],
      snapshots: [{ id: "snap-0fa00000000000001", volumeId: "vol-0fa00000000000009", volumeSize: 4 }],
      volumes: [
        {
          id: "vol-0fa00000000000001",
          size: 8,
          type: "gp3",
          iops: 4000,
          throughput: 250,
          zone: "eu-central-1b",
          tags: { Name: "web root" },
          attachments: [{ instance: source.id, device: "/dev/sda1", deleteOnTermination: true }],
        },
        {
          id: "vol-0fa00000000000002",
          size: 20,
          type: "io2",
          iops: 500,
          zone: "eu-central-1b",
          attachments: [{ instance: source.id, device: "/dev/sdf", deleteOnTermination: false }],
        },
      ],
      ...more,
    };
    const on = new Machines(await Bench.start(scenario, job));
    const run = await on.bench.run();
    if (run.code !== 0) throw new Error(run.stdout + run.stderr);
    await on.bench.simulator.control.clock({ advance: "10m" });
    await on.bench.simulator.control.settings({ self: helper });
    return on;
  }

  /** The machine as it was, in the simulator's words, and its volumes. */
  async captured() {
    const { instances, volumes, snapshots } = await this.bench.simulator.control.state();
    const found = instances[source.id];
    if (found === undefined) throw new Error("the machine is not there");
    const {
      id,
      launchTime,
      architecture,
      bootMode,
      instanceType,
      subnetId,
      zone,
      groups,
      role,
      keyName,
      userData,
      rootDeviceName,
    } = found;
    const point = Object.values(snapshots).find(({ tags }) => tags[tagKeys.point])?.tags[tagKeys.point] ?? "";
    return {
      point,
      machine: {
        id,
        launchTime,
        architecture,
        bootMode,
        instanceType,
        subnetId,
        zone,
        groups,
        role,
        keyName,
        userData,
        rootDeviceName,
      },
      volumes: shapesOf(
        Object.values(volumes).filter(({ attachments }) =>
          attachments.some(({ instance }) => instance === source.id),
        ),
      ),
    };
  }

  /** The machine is terminated, and later not shown any more. */
  async lose(): Promise<void> {
    const { control } = this.bench.simulator;
    await control.instances([{ change: { instance: source.id, state: "terminated" } }]);
    await control.clock({ advance: "10m" });
  }

  /** Runs `ec2-backup restore instance ... --json`. */
  async restore(words: readonly string[], onStart?: (pid: number) => void): Promise<Ended & { told: Told }> {
    const all = ["--json", "--config", this.bench.config, "restore", "instance", ...words];
    const ended = await this.bench.execute(all, {
      env: { RUNTIME_DIRECTORY: path.join(this.bench.folder, "run") },
      ...(onStart && { onStart }),
    });
    return { ...ended, told: JSON.parse(ended.stdout || "{}") as Told };
  }

  /** What restores have made and what of it is there now. */
  async made() {
    const { instances, images, volumes } = await this.bench.simulator.control.state();
    const ours = <T extends { tags: Record<string, string> }>(things: Record<string, T>) =>
      Object.values(things).filter(({ tags }) => Object.hasOwn(tags, restoreTags.restore));
    return {
      machines: ours(instances).filter(({ state }) => state !== "terminated" && state !== "shutting-down"),
      images: ours(images).filter(({ state }) => state !== "deregistered"),
      volumes: ours(volumes).filter(({ state }) => state !== "deleting"),
    };
  }

  /** Takes all away that was made, as its owner would, for the next round. */
  async sweep(): Promise<void> {
    const { control } = this.bench.simulator;
    const { machines, volumes } = await this.made();
    await control.instances(machines.map(({ id }) => ({ change: { instance: id, state: "terminated" } })));
    for (const { id, attachments } of volumes) {
      if (attachments.length > 0) await control.volumes([{ detach: { volume: id } }]);
      await control.volumes([{ delete: { volume: id } }]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bench[Symbol.asyncDispose]();
  }
}
