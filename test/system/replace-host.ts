import { randomBytes, randomInt } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { tagKeys } from "../../src/core/point-tags.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench, type Ended } from "./bench.ts";
import { GuestDevices, type GuestOptions } from "./guest-devices.ts";
import { instance, scenarioOf, volumesOf } from "./history.ts";
import { LoopDisks, sh } from "./loop-disks.ts";
import { mountNamespace } from "./mount-namespace.ts";

/** Ids of our own: other tests have disks of theirs at the same time, and the host has one /dev. */
const own = randomBytes(7).toString("hex").slice(0, 13);
const renamed = (text: string) => text.replaceAll("vol-00000000000000", `vol-0${own}`);
const volumeIds = volumesOf(3).map(({ id }) => renamed(id));
export const [rootVolume = "", dataVolume = "", secondVolume = ""] = volumeIds;

export const soak = process.env["SOAK"] !== undefined;
export const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`replacements that are killed: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

/** A call that is never answered: before or after it is carried out. */
export const kinds = ["hang", "hang-after"] as const;

/** Kills a replacement at a call. @returns whether it came so far */
export async function killed(
  host: ReplaceHost,
  words: readonly string[],
  { index, kind }: { readonly index: number; readonly kind: (typeof kinds)[number] },
): Promise<boolean> {
  const { control } = host.bench.simulator;
  const hits = () => control.calls().filter((call) => call.outcome?.code === kind).length;
  const before = hits();
  control.faults([{ kind, index }]);
  const started = Promise.withResolvers<number>();
  let over = false;
  const replacing = host.replace(words, started.resolve).finally(() => {
    over = true;
  });
  const pid = await started.promise;
  while (!over && hits() === before) await pause(10);
  const hit = hits() > before;
  if (!over) process.kill(pid, "SIGKILL");
  await replacing;
  control.clearFaults();
  return hit;
}

/** Runs a replacement and sends it a signal, if any, as soon as a fault has hit a call. */
export async function cut(
  host: ReplaceHost,
  words: readonly string[],
  fault: Fault,
  signal?: NodeJS.Signals,
): Promise<Ended & { told: Told }> {
  const { control } = host.bench.simulator;
  const hits = () => control.calls().filter((call) => call.faults.length > 0).length;
  const before = hits();
  control.faults([fault]);
  const started = Promise.withResolvers<number>();
  let over = false;
  const replacing = host.replace(words, started.resolve).finally(() => {
    over = true;
  });
  const pid = await started.promise;
  while (!over && hits() === before) await pause(10);
  if (!over && signal !== undefined) process.kill(pid, signal);
  const ended = await replacing;
  control.clearFaults();
  return ended;
}

/** Runs a replacement and sends it a signal as soon as EC2 has answered a request for that. */
export async function cutAfter(
  host: ReplaceHost,
  words: readonly string[],
  action: string,
  signal: NodeJS.Signals,
): Promise<Ended & { told: Told }> {
  const answered = () =>
    host.bench.apiCalls().filter((call) => call.action === action && call.outcome?.code === "OK").length;
  const before = answered();
  const started = Promise.withResolvers<number>();
  let over = false;
  const replacing = host.replace(words, started.resolve).finally(() => {
    over = true;
  });
  const pid = await started.promise;
  while (!over && answered() === before) await pause(10);
  if (!over) process.kill(pid, signal);
  return replacing;
}

/** What `restore replace --json` tells. */
export interface Told {
  readonly exitCode: number;
  readonly plan?: {
    readonly id: string;
    readonly progress: string;
    readonly swaps: readonly { readonly old: string; readonly device: string }[];
    readonly refusals: readonly { readonly found: string; readonly remedy?: string }[];
    readonly notes: readonly string[];
  };
  readonly result?: Result;
  readonly results?: readonly Result[];
  readonly swaps?: readonly { readonly id: string }[];
  readonly error?: { readonly kind: string; readonly found: string };
}

interface Result {
  readonly outcome: string;
  readonly task?: string;
  readonly volumes: readonly { readonly old: string; readonly fresh?: string }[];
  readonly failure?: { readonly kind: string; readonly found: string };
  readonly second?: { readonly found: string };
  readonly notes: readonly string[];
}

export interface HostOptions extends GuestOptions {
  /** The data lies on a btrfs over two volumes. */
  readonly pool?: boolean;
  readonly scenario?: (scenario: Scenario) => Partial<Scenario>;
}

/**
 * A simulated instance whose data volume is mounted here, in a mount namespace of its own: what other tests do with
 * theirs keeps none of its disks. Its point holds another filesystem, with a file that says so.
 */
export class ReplaceHost implements AsyncDisposable {
  readonly bench: Bench;
  readonly disks: LoopDisks;
  readonly guest: GuestDevices;
  readonly #space: string;
  readonly #end: () => void;

  private constructor(bench: Bench, disks: LoopDisks, guest: GuestDevices, space: string, end: () => void) {
    this.bench = bench;
    this.disks = disks;
    this.guest = guest;
    this.#space = space;
    this.#end = end;
  }

  static async start({ scenario: change, pool, ...options }: HostOptions = {}): Promise<ReplaceHost> {
    const disks = await LoopDisks.start();
    const files = pool === true ? await pooled(disks) : [await formatted(disks)];
    const count = files.length + 1;
    const plain = scenarioOf(count, 1, { limits: false, images: [] });
    const given = JSON.parse(renamed(JSON.stringify(plain))) as Scenario;
    const filesOf = (id: string) => files[volumeIds.indexOf(id) - 1];
    const whole: Scenario = {
      ...given,
      // What is made has ids of its own too.
      seed: randomInt(1, 2 ** 31),
      clock: { speed: 1 },
      times: {
        createVolume: 0.1,
        deleteVolume: 0.1,
        attach: 0.1,
        detach: 0.1,
        replaceRoot: 0.6,
        stop: 0.2,
        start: 0.2,
        reboot: 0.2,
      },
      volumeData: path.join(disks.directory, "volumes"),
      volumes: (given.volumes ?? []).map((one) => {
        const own = filesOf(one.id ?? "");
        if (own === undefined) return one;
        const device = one.id === dataVolume ? "/dev/sdf" : "/dev/sdg";
        const attachments = [{ instance: instance.id, device, deleteOnTermination: true }];
        return { ...one, file: own.current, attachments };
      }),
      snapshots: (given.snapshots ?? []).map((one) => {
        const own = filesOf(one.volumeId);
        return one.tags?.[tagKeys.point] === undefined || own === undefined
          ? one
          : { ...one, file: own.image };
      }),
    } as Scenario;
    const bench = await Bench.start({ ...whole, ...change?.(whole) }, { request: "2s" });
    const { space, end } = await mountNamespace();
    disks.janitor.undo(`kill -9 ${space} 2>/dev/null; true`);
    const guest = GuestDevices.start(disks, bench.simulator.control.guest, {}, { every: 25, ...options });
    const host = new ReplaceHost(bench, disks, guest, space, end);
    await mkdir(host.mountedAt);
    return host;
  }

  get mountedAt(): string {
    return path.join(this.disks.directory, "data");
  }

  /** Mounts the data volume as a machine would have it. */
  async mount(...options: readonly string[]): Promise<void> {
    await this.sh("mount", ...options, await this.guest.device(dataVolume), this.mountedAt);
  }

  /** Runs a program where the mounts are. */
  sh(program: string, ...words: readonly string[]): Promise<string> {
    return sh("nsenter", "-m", "-t", this.#space, program, ...words);
  }

  /** What is mounted, with its options; empty if nothing is. */
  mounted(): Promise<string> {
    return this.sh("findmnt", "-no", "SOURCE,OPTIONS", this.mountedAt).catch(() => "");
  }

  /** What the data say: which volume's they are. */
  content(): Promise<string> {
    return this.sh("cat", path.join(this.mountedAt, "sentinel"));
  }

  /** Runs `ec2-backup restore replace ... --json`. */
  async replace(words: readonly string[], onStart?: (pid: number) => void): Promise<Ended & { told: Told }> {
    const ended = await this.execute(["restore", "replace", ...words], onStart);
    return { ...ended, told: JSON.parse(ended.stdout || "{}") as Told };
  }

  execute(words: readonly string[], onStart?: (pid: number) => void): Promise<Ended> {
    return this.bench.execute(["--json", "--config", this.bench.config, ...words], {
      under: ["nsenter", "-m", "-t", this.#space],
      env: { RUNTIME_DIRECTORY: path.join(this.bench.folder, "run") },
      ...(onStart && { onStart }),
    });
  }

  /** The volumes of the world, as they are now. */
  async volumes() {
    const { volumes } = await this.bench.simulator.control.state();
    return Object.values(volumes).filter(({ state }) => state !== "deleting");
  }

  async volume(id: string) {
    return (await this.volumes()).find((one) => one.id === id);
  }

  /** Volumes that restores have made. */
  async made() {
    return (await this.volumes()).filter(({ tags }) => Object.hasOwn(tags, restoreTags.restore));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await pause(50);
    await this.guest[Symbol.asyncDispose]();
    await this.disks.janitor[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}

/** The disk as a point has it, and as it is now. */
interface Files {
  readonly image: string;
  readonly current: string;
}

async function formatted(disks: LoopDisks): Promise<Files> {
  const [image = "", current = ""] = await Promise.all(
    ["as it was\n", "as it is\n"].map(async (says, index) => {
      const file = await disks.file(`ext4-${index}`, 16);
      const source = path.join(disks.directory, `of-${index}`);
      await mkdir(source);
      await writeFile(path.join(source, "sentinel"), says);
      // As of one volume: the UUID of a snapshot is that of the volume.
      const uuid = ["-U", "0fa00000-0000-4000-8000-000000000001"];
      await sh("mkfs.ext4", "-q", ...uuid, "-d", source, file);
      return file;
    }),
  );
  return { image, current };
}

/** A btrfs over two disks. It is changed where it was never mounted for others to see. */
async function pooled(disks: LoopDisks): Promise<readonly Files[]> {
  const current = [await disks.file("btrfs-0", 128), await disks.file("btrfs-1", 128)];
  const script = `set -e; a=$(losetup -f --show "$1"); b=$(losetup -f --show "$2")
trap 'set +e; umount "$3" 2>/dev/null; btrfs device scan --forget $a $b; losetup -d $a $b' EXIT
mkfs.btrfs -q -f -d raid0 -m raid1 $a $b; btrfs -q device scan $a $b; mount $a "$3"
echo "as it was" > "$3/sentinel"; umount "$3"; sync
cp --sparse=always "$1" "$1-image"; cp --sparse=always "$2" "$2-image"
mount $a "$3"; echo "as it is" > "$3/sentinel"; umount "$3"`;
  const at = path.join(disks.directory, "pool");
  await mkdir(at);
  await sh("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", ...current, at);
  return current.map((file) => ({ current: file, image: `${file}-image` }));
}
