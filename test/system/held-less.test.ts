import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { type BenchDisk, BlockBench, faultsOf } from "./block-bench.ts";
import { capturedAt, type HeldRun, HeldStage, hookOf, type JobWords, metricsOf } from "./held-stage.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { mariadb } from "./servers.ts";
import { Stack } from "./stack.ts";
import { endOfLog, read, type Subject, underLoad } from "./subjects.ts";

const missing = !loopDisksCan || !mariadb.present ? `needs ${loopDisksNeed}, and MariaDB` : undefined;
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);

const stack = new Stack();
let blocks: BlockBench;
let disk: BenchDisk;
let stage: HeldStage;
/** What makes the disk's filesystem one that is never frozen: the agent itself writes to it. */
let stateOnDisk: Record<string, string>;

/** An instance with one volume, its root. */
beforeAll(async () => {
  if (missing !== undefined) return;
  blocks = stack.use(await BlockBench.start());
  disk = await blocks.disk("root", "ext4");
  stage = stack.use(await HeldStage.start(rootAlone(blocks)));
  const state = path.join(disk.mount, "state");
  await mkdir(state, { mode: 0o700 });
  stateOnDisk = { STATE_DIRECTORY: state };
}, 60_000);

/** The bench's disks, all of which are the root volume: there is one. */
function rootAlone(bench: BlockBench): Scenario {
  const scenario = bench.scenario();
  const attachments = [{ instance: bench.instance, device: "/dev/xvda" }];
  return { ...scenario, volumes: (scenario.volumes ?? []).map((volume) => ({ ...volume, attachments })) };
}

afterAll(() => stack.disposeAsync());

/** The server as it is when it is not there: its data, and a socket that nobody listens at. */
async function stopped(): Promise<JobWords> {
  const place = path.join(stage.bench.folder, "nobody");
  return { mysql: { socket: `${place}/socket` } };
}

/** Asserts that a point was made, that it is called `crash` everywhere, and that this is told as too little. */
function expectDegraded(run: HeldRun): void {
  expect(run.code, run.stdout).toBe(1);
  expect(run.tagged).toEqual(["crash"]);
  expect(run.report.points).toMatchObject([{ consistency: "crash" }]);
  expect(run.report.stillness).toMatchObject({ demanded: "application", achieved: "crash" });
  expect(run.report.problems).toContainEqual(expect.objectContaining({ code: "LessConsistent" }));
  expect(metricsOf(run)).toMatchObject({ Degraded: 1 });
}

function capturesOf({ calls }: HeldRun): number {
  const real = ({ parameters }: HeldRun["calls"][number]) =>
    (parameters as { DryRun?: boolean } | null)?.DryRun !== true;
  return calls.filter((call) => call.action === "CreateSnapshots" && real(call)).length;
}

describe.skipIf(missing !== undefined)(`a root volume alone${missing ? ` (${missing})` : ""}`, () => {
  test("a database held, all data written, nothing frozen: application", async () => {
    await using own = new Stack();
    const subject: Subject = await underLoad(blocks, own, mariadb, disk);
    await stage.configure([hookOf(subject)]);
    await subject.load.more(10);
    const loose = path.join(disk.mount, "not-synced");
    await writeFile(loose, "in memory until somebody writes it");
    const run = await stage.run({ env: stateOnDisk });
    await subject.load.more(5);
    expect(run.code, run.stdout).toBe(0);
    expect(run.tagged).toEqual(["application"]);
    expect(run.report.stillness?.frozenMs).toBeUndefined();
    expect(metricsOf(run)).toMatchObject({ Degraded: 0, Errors: 0 });

    const device = await blocks.restore(run.copyOf(disk));
    expect(await endOfLog(blocks, device)).toBe(run.report.stillness?.hooks[0]?.facts["binlog"]);
    expect(await faultsOf(device, "ext4")).toBe("");
    const at = await blocks.disks.mount(device, "root-copy");
    expect(await readFile(path.join(at, "not-synced"), "utf8")).toBe(await readFile(loose, "utf8"));
    await blocks.disks.unmount(at);
    const { ledger } = await read(blocks, subject, device);
    const { least, most } = subject.load.boundsAt(capturedAt(run));
    expect(ledger).toMatchObject({ whole: true, wrong: 0 });
    expect(ledger.count).toBeGreaterThanOrEqual(least);
    expect(ledger.count).toBeLessThanOrEqual(most);
  }, 60_000);

  test("the same where nothing is mounted of it: application", async () => {
    await using own = new Stack();
    const bench = own.use(await BlockBench.start());
    await bench.unmountedDisk("root", "ext4");
    const bare = own.use(await HeldStage.start(rootAlone(bench)));
    const subject = await underLoad(bench, own, mariadb, await bench.disk("elsewhere", "ext4"));
    await bare.configure([hookOf(subject)]);
    const run = await bare.run();
    expect(run.code, run.stdout).toBe(0);
    expect(run.tagged).toEqual(["application"]);
  }, 60_000);

  test("programs alone are no database: crash, and too little where application is demanded", async () => {
    const command = { command: { name: "quiet", before: ["/bin/true"] } };
    await stage.configure([command], { consistency: "application" });
    const run = await stage.run({ env: stateOnDisk });
    expectDegraded(run);
    expect(run.report.stillness?.hooks).toMatchObject([{ hook: "command quiet", outcome: "held" }]);
    await stage.configure([command]);
    const modest = await stage.run({ env: stateOnDisk });
    expect(modest.code, modest.stdout).toBe(0);
    expect(modest.tagged).toEqual(["crash"]);
    expect(metricsOf(modest)).toMatchObject({ Degraded: 0 });
  }, 60_000);

  test("a server that is down: crash, exit 1", async () => {
    await stage.configure([await stopped()]);
    const run = await stage.run({ env: stateOnDisk });
    expectDegraded(run);
    expect(run.report.stillness?.hooks).toMatchObject([{ hook: "mysql", outcome: "failed" }]);
  });

  test.each([
    ["whenLess: fail", { whenLess: "fail" }, {}],
    ["onFailure: abort", {}, { onFailure: "abort" }],
  ])("a server that is down, with %s: no point", async (_, words, hook) => {
    const { mysql } = (await stopped()) as { mysql: JobWords };
    await stage.configure([{ mysql: { ...mysql, ...hook } }], words);
    const before = Object.keys((await stage.world()).snapshots);
    const run = await stage.run({ env: stateOnDisk });
    expect(run.code, run.stdout).toBe("whenLess" in words ? 2 : 69);
    expect(capturesOf(run)).toBe(0);
    expect(Object.keys((await stage.world()).snapshots)).toEqual(before);
    expect(run.report).toMatchObject({ outcome: "failed", points: [] });
    expect(metricsOf(run)["Errors"]).toBeGreaterThan(0);
  });
});
