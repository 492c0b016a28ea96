import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, type TestContext } from "vitest";
import { Bench, type Ended, type Problem, type Start } from "./bench.ts";
import { type FilesystemName, LoopDisks, sh } from "./loop-disks.ts";

/** What the tests of hooks read of `--json`. */
export interface HoldReport {
  readonly run: string;
  readonly outcome: string;
  readonly chosen: readonly { readonly volume: string; readonly because: string }[];
  readonly left: readonly { readonly volume: string; readonly because: string }[];
  readonly points: readonly { readonly id: string; readonly consistency: string }[];
  readonly stillness?: {
    readonly demanded: string;
    readonly achieved: string;
    readonly frozenMs?: number;
    readonly hooks: readonly { readonly hook: string; readonly outcome: string }[];
  };
  readonly problems: readonly (Problem & { readonly remedy?: string })[];
}

export interface HoldRun extends Ended {
  readonly report: HoldReport;
}

/** What check-config says with `--json`. */
export interface Check extends Ended {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

export interface Volume {
  readonly id: string;
  readonly device: string;
}

const instance = "i-0d3a0de0c0ffee002";
const byId = "/dev/disk/by-id";
const waits = {
  request: "10s",
  capture: "10s",
  retryFor: "1s",
  retryEvery: "50ms",
  reconcileFor: "500ms",
  reconcileEvery: "50ms",
};
const sizes = { ext4: 64, xfs: 320, btrfs: 128 } as const;

/** The built agent on a simulated instance whose volumes are loop disks of this machine. All goes with the test. */
export class HoldBench implements AsyncDisposable {
  readonly disks: LoopDisks;
  readonly volumes: Volume[] = [];
  /** Where the agent's ledgers are. */
  readonly runtime: string;
  readonly #bench: Bench;

  private constructor(disks: LoopDisks, bench: Bench) {
    this.disks = disks;
    this.#bench = bench;
    this.runtime = path.join(bench.folder, "run");
  }

  /** With so many volumes, the first ones with a filesystem of the given kind, mounted. */
  static async start(
    { onTestFinished }: Pick<TestContext, "onTestFinished">,
    ...filesystems: readonly (FilesystemName | "raw")[]
  ): Promise<{ bench: HoldBench; mounts: string[] }> {
    const disks = await LoopDisks.start();
    const volumes: Volume[] = [];
    const mounts: string[] = [];
    try {
      for (const [index, filesystem] of filesystems.entries()) {
        const size = filesystem === "raw" ? sizes.btrfs : sizes[filesystem];
        const device = await disks.attach(await disks.file(`disk${index}`, size));
        volumes.push({ id: await linked(disks, device), device });
        if (filesystem === "raw") continue;
        await disks.format(device, filesystem);
        mounts.push(await disks.mount(device, `mount${index}`));
      }
      const bench = new HoldBench(disks, await Bench.start(scenarioOf(volumes)));
      bench.volumes.push(...volumes);
      onTestFinished(() => bench[Symbol.asyncDispose]());
      return { bench, mounts };
    } catch (error) {
      await disks[Symbol.asyncDispose]();
      throw error;
    }
  }

  get folder(): string {
    return this.#bench.folder;
  }
  get config(): string {
    return this.#bench.config;
  }
  get state(): string {
    return path.join(this.#bench.state, instance);
  }
  get control() {
    return this.#bench.simulator.control;
  }
  get within(): Bench {
    return this.#bench;
  }

  /** Writes a configuration of one job. JSON is YAML too. */
  async configure(hooks: readonly object[], job: object = {}, name = "default"): Promise<void> {
    const whole = { retention: { last: 20 }, waits, hooks, ...job };
    await this.write(JSON.stringify({ version: 1, jobs: { [name]: whole } }, null, 1));
  }

  async write(text: string): Promise<void> {
    await writeFile(this.#bench.config, `${text}\n`, { mode: 0o600 });
  }

  execute(words: readonly string[], start: Start = {}): Promise<Ended> {
    const env = { RUNTIME_DIRECTORY: this.runtime, ...start.env };
    return this.#bench.execute([...words, "--config", this.config], { ...start, env });
  }

  async run(start: Start = {}): Promise<HoldRun> {
    const ended = await this.execute(["run", "--json"], start);
    const { reports } = JSON.parse(ended.stdout || "{}") as { reports?: readonly HoldReport[] };
    const [report] = reports ?? [];
    if (report === undefined) expect.fail(`no report, exit ${ended.code}: ${ended.stdout}${ended.stderr}`);
    return { ...ended, report };
  }

  async check(start: Start = {}): Promise<Check> {
    const ended = await this.execute(["check-config", "--json"], start);
    const { faults, warnings } = JSON.parse(ended.stdout || "{}") as Partial<Check>;
    if (faults === undefined || warnings === undefined) expect.fail(`${ended.stdout}${ended.stderr}`);
    return { ...ended, faults, warnings };
  }

  /** The tags that a run's snapshots have in EC2. */
  async tagsOf({ run }: HoldReport): Promise<Readonly<Record<string, string>>[]> {
    const { snapshots } = await this.control.state();
    const all = Object.values(snapshots).map(({ tags }) => tags);
    return all.filter((tags) => tags["ec2-backup:run"] === run);
  }

  /** How often an action was called, with or without DryRun. */
  calls(action: string, dryRun = false): number {
    const all = this.#bench.apiCalls().filter((call) => call.action === action);
    return all.filter(({ parameters }) => isDryRun(parameters) === dryRun).length;
  }

  /** What CloudWatch was last told, by name. */
  metrics(): Readonly<Record<string, number>> {
    const last = this.#bench
      .apiCalls()
      .filter(({ action }) => action === "PutMetricData")
      .at(-1);
    const { MetricData = [] } = (last?.parameters ?? {}) as {
      MetricData?: { MetricName: string; Value: number }[];
    };
    return Object.fromEntries(MetricData.map(({ MetricName, Value }) => [MetricName, Value]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bench[Symbol.asyncDispose]();
    await this.disks[Symbol.asyncDispose]();
  }
}

function isDryRun(parameters: unknown): boolean {
  return String((parameters as { DryRun?: unknown } | undefined)?.DryRun) === "true";
}

/** Gives a device the name that udev gives an EBS volume, and returns the volume's id. */
async function linked(disks: LoopDisks, device: string): Promise<string> {
  const id = `vol-0${randomBytes(8).toString("hex")}`;
  const link = path.join(byId, `nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`);
  await mkdir(byId, { recursive: true });
  disks.janitor.undo(`rm -f ${link}`);
  await sh("ln", "-s", `../../${path.basename(device)}`, link);
  return id;
}

function scenarioOf(volumes: readonly Volume[]) {
  return {
    limits: false,
    instances: [{ id: instance, name: "host" }],
    volumes: volumes.map(({ id }, index) => ({
      id,
      size: 1,
      attachments: [{ instance, device: `/dev/sd${"fghijklmnop"[index]}` }],
    })),
  };
}

export const fsfreeze = (way: "-f" | "-u", mount: string): boolean =>
  spawnSync("fsfreeze", [way, mount]).status === 0;

/** Asked by the only question there is: another freeze, which is undone at once. What cannot be frozen is not. */
export function isFrozen(mount: string): boolean {
  const env = { ...process.env, LC_ALL: "C" };
  const { status, stderr } = spawnSync("fsfreeze", ["-f", mount], { encoding: "utf8", env });
  if (status === 0) fsfreeze("-u", mount);
  return stderr.includes("Device or resource busy");
}
