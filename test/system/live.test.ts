import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { DescribeSnapshotsCommand, DescribeVolumesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { expect, onTestFinished, test } from "vitest";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { instanceCredentials } from "../bench/credentials.ts";
import { instanceTag, runTag } from "../live/lab.ts";
import type { Results } from "../live/results.ts";
import { instance, scenarioOf } from "./history.ts";
import { actionsOf, called, govern, type Policy } from "./policies.ts";

const program = path.join(import.meta.dirname, "../live/main.ts");

/** Seconds; the limit of snapshots per volume is what it is. */
const times = { createVolume: 0.1, deleteVolume: 0.1, attach: 0.1, detach: 0.1 };

class Stage {
  readonly simulator: Simulator;
  readonly folder: string;
  #begun = false;

  constructor(simulator: Simulator, folder: string) {
    this.simulator = simulator;
    this.folder = folder;
  }

  static async start(): Promise<Stage> {
    const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-live-"));
    const base = scenarioOf(2, 2);
    // As another instance's run has left it, and somebody's who uses the same word.
    const [others] = base.snapshots ?? [];
    if (others === undefined) throw new Error("the history has no snapshot");
    const foreign = { [runTag]: "run", [instanceTag]: instance.arn.replace(/.$/, "9") };
    const snapshots = [
      ...(base.snapshots ?? []),
      { ...others, id: "snap-0eeeeeeeeeeeeeee1", tags: foreign },
      { ...others, id: "snap-0eeeeeeeeeeeeeee2", tags: { [runTag]: "run" } },
    ];
    const simulator = await startSimulator({ scenario: { ...base, snapshots, times } });
    onTestFinished(async () => {
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    });
    return new Stage(simulator, folder);
  }

  /** Runs it; a look that says so kills it. */
  async live(
    words: readonly string[],
    env: Record<string, string> = {},
    kill?: () => NodeJS.Signals | undefined,
  ) {
    const at = (name: string) => path.join(this.folder, name);
    const places = ["--sys", at("sys"), "--dev", at("dev"), "--output", at("out")];
    const haste = ["--patience", "10000", "--pause", "50"];
    const child = spawn(process.execPath, [program, ...words, ...places, ...haste], {
      env: { PATH: process.env["PATH"], HOME: this.folder, ...this.simulator.environment, ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const watch = setInterval(() => {
      const signal = kill?.();
      if (signal === undefined) return;
      clearInterval(watch);
      child.kill(signal);
    }, 2);
    const code = await new Promise<number | null>((resolve) => void child.on("close", resolve));
    clearInterval(watch);
    return { code, stdout, stderr };
  }

  /** A signal, once so many calls have come in. */
  after(count: number, signal: NodeJS.Signals): () => NodeJS.Signals | undefined {
    const calls = () =>
      this.simulator.control.calls().filter(({ service }) => service !== "imds" && service !== "unknown");
    const from = calls().length;
    return () => (calls().length - from >= count ? signal : undefined);
  }

  async results(): Promise<Results> {
    return JSON.parse(await readFile(path.join(this.folder, "out.json"), "utf8")) as Results;
  }

  /** What stays, by id: what is deleted while it is pending goes when it is complete. */
  async inventory(): Promise<string[]> {
    // At its end only: from a clock that is off, the SDK asks once more whatever it is refused.
    if (this.#begun) await this.simulator.control.clock({ advance: "3h" });
    this.#begun = true;
    const common = {
      region: "eu-central-1",
      endpoint: this.simulator.url,
      credentials: await instanceCredentials(this.simulator.environment),
    };
    const [ec2, cloudwatch] = [new EC2Client(common), new CloudWatchClient(common)];
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
    const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
    const { MetricAlarms = [] } = await cloudwatch.send(new DescribeAlarmsCommand({}));
    ec2.destroy();
    cloudwatch.destroy();
    const state = (one: (typeof Volumes)[number]) => one.Attachments?.[0]?.Device ?? one.State;
    return [
      ...Volumes.map((one) => `${one.VolumeId} ${state(one)}`),
      ...Snapshots.map(({ SnapshotId }) => SnapshotId ?? ""),
      ...MetricAlarms.map(({ AlarmName }) => AlarmName ?? ""),
    ].sort();
  }

  /** Gives this host the disks of whatever volume is attached, as the kernel and udev would. */
  disks(): void {
    const seen = new Set<string>();
    const look = async () => {
      for (const { action, parameters, outcome } of this.simulator.control.calls()) {
        const { VolumeId = "" } = parameters as { VolumeId?: string };
        if (action !== "AttachVolume" || outcome?.code !== "OK" || seen.has(VolumeId)) continue;
        seen.add(VolumeId);
        const serial = VolumeId.replace("-", "");
        const controller = `sys/class/nvme/nvme${seen.size}/serial`;
        const disk = `sys/block/nvme${seen.size}n1/device/serial`;
        const link = `dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${serial}`;
        for (const file of [controller, disk, link, `${link}_1`]) {
          const full = path.join(this.folder, file);
          await mkdir(path.dirname(full), { recursive: true });
          await writeFile(full, `${serial}\n`);
        }
      }
    };
    const timer = setInterval(() => void look(), 20);
    onTestFinished(() => clearInterval(timer));
  }
}

const livePolicy = async (stage: Stage): Promise<Policy> =>
  JSON.parse((await stage.live(["--policy"])).stdout) as Policy;

test("asks everything under the policy that it prints, and takes everything away", async () => {
  const stage = await Stage.start();
  const policy = await livePolicy(stage);
  await govern(stage.simulator, [policy]);
  await mkdir(path.join(stage.folder, "sys/class/nvme/nvme0"), { recursive: true });
  await mkdir(path.join(stage.folder, "dev/disk/by-id"), { recursive: true });
  stage.disks();
  const before = await stage.inventory();
  const { code, stderr } = await stage.live(["--yes"]);
  expect(code, stderr).toBe(0);
  expect(await stage.inventory()).toEqual(before);
  const { answers, cleaned } = await stage.results();
  const not = answers.filter(({ verdict }) => verdict !== "as assumed").map(({ id, got }) => `${id}: ${got}`);
  expect(not.filter((one) => !/^tags-of-other-tools/.test(one))).toEqual([]);
  expect(answers).toHaveLength(16);
  expect(cleaned.left).toEqual([]);
  const table = await readFile(path.join(stage.folder, "out.md"), "utf8");
  expect(table).toContain("| status-of-denials | as assumed | UnauthorizedOperation (403) | 403 |");
  expect(table + JSON.stringify(await stage.results())).not.toContain(instance.account);
  const granted = actionsOf([policy]);
  expect(called(stage.simulator).filter((action) => !granted.includes(action))).toEqual([]);
});

test("only shows its plan without --yes, and refuses where CI is set", async () => {
  const stage = await Stage.start();
  const plan = await stage.live([]);
  expect(plan.code).toBe(0);
  expect(plan.stdout).toContain("Cost: less than $0.01");
  expect(called(stage.simulator)).toEqual([]);
  const refused = await stage.live(["--yes"], { CI: "true" });
  expect(refused.code).toBe(64);
  expect(refused.stderr).toContain("never runs where CI is set");
  expect(called(stage.simulator)).toEqual([]);
});

test("cleans up at its next start wherever it was killed, and touches nobody else's", async () => {
  const stage = await Stage.start();
  const before = await stage.inventory();
  const points = process.env["SOAK"] ? [3, 6, 9, 12, 14, 17, 20, 25, 30, 35, 40] : [20];
  for (const after of points) {
    const { code } = await stage.live(["--yes"], {}, stage.after(after, "SIGKILL"));
    expect(code, `killed after ${after} calls`).toBe(null);
    const { code: cleaned, stderr } = await stage.live(["--clean"]);
    expect(cleaned, stderr).toBe(0);
    const inventory = await stage.inventory();
    expect(inventory, `after ${after} calls`).toEqual(before);
    expect(inventory).toContain("snap-0eeeeeeeeeeeeeee1");
  }
});

test("takes everything away when it is told to stop, and says what it had asked by then", async () => {
  const stage = await Stage.start();
  const before = await stage.inventory();
  const { code, stderr } = await stage.live(["--yes"], {}, stage.after(24, "SIGINT"));
  expect(code, stderr).toBe(130);
  expect(await stage.inventory()).toEqual(before);
  expect((await stage.results()).answers.length).toBeGreaterThan(3);
});

test("goes on through faults, says what it could not ask, and says what it could not take away", async () => {
  const stage = await Stage.start();
  const before = await stage.inventory();
  await stage.simulator.control.faults([
    { action: "CreateSnapshots", kind: "500", dryRun: false },
    { action: "DescribeVolumes", kind: "throttle" },
    { action: "DeleteVolume", kind: "denied" },
  ]);
  const { code, stderr } = await stage.live(["--yes"]);
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(/STILL THERE, made by this run: vol-\w+ \(UnauthorizedOperation/);
  const { answers } = await stage.results();
  const got = answers.find(({ id }) => id === "visible-after");
  expect(got).toMatchObject({ verdict: "could not be asked", got: expect.stringContaining("InternalError") });
  expect(answers.find(({ id }) => id === "rate-per-volume")?.verdict).toBe("as assumed");
  expect((await stage.live(["--clean"])).code).toBe(0);
  expect(await stage.inventory()).toEqual(before);
});
