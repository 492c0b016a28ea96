import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import type { World } from "../../src/simulator/world.ts";
import { Bench, type Ended, type Start } from "./bench.ts";
import { GuestDevices } from "./guest-devices.ts";
import { instance } from "./history.ts";
import { LoopDisks, sh } from "./loop-disks.ts";

const root = { volume: "vol-0000000000000000a", snapshot: "snap-0000000000000000a" };
const image = "ami-0000000000000000a";
const keys = { AWS_ACCESS_KEY_ID: "AKIADIRECTORYSTAGE01", AWS_SECRET_ACCESS_KEY: "secret" };

/** Addresses at which nobody answers. */
const nowhere = "http://127.0.0.1:1";

/** Nobody says that there is no metadata service: it only does not answer. */
export const unsaid = { AWS_EC2_METADATA_DISABLED: "false" };

/** How the world is other than usual. */
export interface StageChange {
  readonly world?: Partial<Scenario>;
  /** What the console shows in place of the key of the host that answers. */
  readonly console?: string;
  /** False: volumes never come to be disks. */
  readonly kernels?: boolean;
}

/**
 * The built agent, on a simulated instance or outside of it, with volumes that are loop disks of this machine while
 * they are attached. A real sshd on loopback stands for those of the instances that are started: it lets in who has the
 * key pairs that EC2 has, and its disks are theirs.
 */
export class DirectoryStage implements AsyncDisposable {
  readonly bench: Bench;
  readonly disks: LoopDisks;
  readonly port: number;
  readonly #sshd: ChildProcess;
  readonly #guests = new Map<string, GuestDevices>();
  readonly #stop = new AbortController();
  #watching: Promise<void> = Promise.resolve();

  private constructor(bench: Bench, disks: LoopDisks, port: number, sshd: ChildProcess) {
    this.bench = bench;
    this.disks = disks;
    this.port = port;
    this.#sshd = sshd;
  }

  static async start({ world = {}, console, kernels = true }: StageChange = {}): Promise<DirectoryStage> {
    const disks = await LoopDisks.start();
    const place = path.join(disks.directory, "sshd");
    await mkdir(place, { mode: 0o700 });
    await sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path.join(place, "host"));
    const port = await freePort();
    const sshd = await startSshd(place, port);
    disks.janitor.undo(`kill ${sshd.pid} 2>/dev/null || true`);
    const shown = await readFile(path.join(place, "host.pub"), "utf8");
    const bench = await Bench.start({
      limits: false,
      seed: randomInt(2 ** 31),
      times: { createVolume: 0.1, deleteVolume: 0.1, attach: 0.1, detach: 0.1, start: 0.1, terminate: 0.1 },
      ...(kernels ? { volumeData: path.join(disks.directory, "volumes") } : {}),
      instances: [{ id: instance.id }],
      volumes: [{ id: root.volume, size: 8, attachments: [{ instance: instance.id, device: "/dev/xvda" }] }],
      snapshots: [{ id: root.snapshot, volumeId: root.volume }],
      images: [{ id: image, ownerId: "137112412989", snapshots: { "/dev/xvda": root.snapshot } }],
      accessKeys: [{ id: keys.AWS_ACCESS_KEY_ID, user: "elsewhere" }],
      ssm: {
        parameters: {
          "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64": image,
        },
      },
      launches: { publicIp: "127.0.0.1", console: console ?? consoleWith(shown), consoleAfter: 0.1 },
      ...world,
    });
    const stage = new DirectoryStage(bench, disks, port, sshd);
    if (kernels) {
      const { guest } = bench.simulator.control;
      stage.#guests.set(instance.id, GuestDevices.start(disks, guest, {}, { every: 25 }));
    }
    stage.#watching = stage.#watch(place, kernels);
    return stage;
  }

  /** A directory of the test's. */
  async folder(name: string): Promise<string> {
    const made = path.join(this.disks.directory, name);
    await mkdir(made, { recursive: true });
    return made;
  }

  /** On the simulated instance. */
  here(words: readonly string[], start: Start = {}): Promise<Ended> {
    return this.bench.execute(["--config", this.bench.config, ...words], start);
  }

  /** Outside of EC2, as the environment says; `{ env: unsaid }` has it find out, which takes a second. */
  elsewhere(words: readonly string[], start: Start = {}): Promise<Ended> {
    return this.here([...words, "--from", "127.0.0.1/32"], {
      ...start,
      env: { ...this.outside, ...start.env },
    });
  }

  /** What the sshd tells of those who came. */
  logins(): Promise<string> {
    return readFile(path.join(this.disks.directory, "sshd", "log"), "utf8");
  }

  get outside(): Readonly<Record<string, string>> {
    return {
      ...keys,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: nowhere,
      EC2_BACKUP_FLAGS_SSH: `-l root -p ${this.port}`,
    };
  }

  world(): Promise<World> {
    return this.bench.simulator.control.state();
  }

  /** The volumes beside the root of the instance. */
  async volumes() {
    return Object.values((await this.world()).volumes).filter(
      ({ id, state, snapshotId }) => id !== root.volume && state !== "deleting" && snapshotId === "",
    );
  }

  /** Nothing is left of anything that was made to reach a volume, and no volume is attached. */
  async expectClean(where = ""): Promise<void> {
    const { instances, keyPairs, securityGroups } = await this.world();
    const living = Object.values(instances).filter(({ state }) => state !== "terminated");
    expect(
      living.map(({ id }) => id),
      where,
    ).toEqual([instance.id]);
    expect(Object.keys(keyPairs), where).toEqual([]);
    expect(
      Object.values(securityGroups).map(({ name }) => name),
      where,
    ).toEqual(["default"]);
    expect(
      (await this.volumes()).flatMap(({ attachments }) => attachments),
      where,
    ).toEqual([]);
    expect(await sh("sh", "-c", `ls ${this.bench.state}/directory 2>/dev/null || true`), where).toBe("");
    expect(await sh("sh", "-c", `grep -c ${this.bench.state} /proc/self/mountinfo || true`), where).toBe("0");
  }

  /** Gives the sshd the key pairs, and each new instance a kernel. */
  async #watch(place: string, kernels: boolean): Promise<void> {
    let written = "";
    while (!this.#stop.signal.aborted) {
      const { keyPairs, instances } = await this.world();
      const lines = Object.values(keyPairs).map(({ publicKey }) => publicKey);
      const text = `${lines.join("\n")}\n`;
      if (text !== written) {
        const [file, fresh] = [path.join(place, "authorized"), path.join(place, "authorized.new")];
        await writeFile(fresh, text);
        // Who logs in meanwhile finds the old ones or the new ones.
        await rename(fresh, file);
        written = text;
      }
      for (const { id, state } of Object.values(instances)) {
        if (!kernels || this.#guests.has(id) || state === "terminated") continue;
        const { guest } = this.bench.simulator.control;
        const exchange: typeof guest = (report) => guest({ ...report, instance: id });
        this.#guests.set(id, GuestDevices.start(this.disks, exchange, {}, { every: 25, instance: id }));
      }
      await pause(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    for (const guest of this.#guests.values()) await guest[Symbol.asyncDispose]();
    this.#sshd.kill();
    await this.disks.janitor[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}

/** As cloud-init writes it, between much else. */
export function consoleWith(publicKey: string): string {
  return [
    "[    0.000000] Linux version 6.1.0",
    "ci-info: no authorized SSH keys fingerprints found for user ec2-user.",
    "-----BEGIN SSH HOST KEY KEYS-----",
    publicKey.trim(),
    "-----END SSH HOST KEY KEYS-----",
    "[   12.345678] cloud-init[1]: finished",
    "",
  ].join("\r\n");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function startSshd(place: string, port: number): Promise<ChildProcess> {
  const config = path.join(place, "config");
  const lines = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${place}/host`,
    `PidFile ${place}/pid`,
    `AuthorizedKeysFile ${place}/authorized`,
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "StrictModes no",
    "UsePAM no",
    // At this depth bash reads no files of the user's, which may do anything.
    "SetEnv SHLVL=2",
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const program = await sh("sh", "-c", "command -v sshd");
  return spawn(program, ["-D", "-E", path.join(place, "log"), "-f", config], { stdio: "ignore" });
}
