import { expect, test } from "vitest";
import type { CopyReport } from "../../src/core/report.ts";
import { Bench, type Run } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const ireland = `${instance.account}/eu-west-1`;
const job = "{ last: 4 }, copy: [{ region: eu-west-1 }]";

const copiesOf = ({ report }: Run) => (report as unknown as { copies?: readonly CopyReport[] }).copies ?? [];
const errors = ({ report }: Run) => report.problems.filter(({ severity }) => severity === "error");

async function start(volumes: number, age: number, retention = job, more: object = {}): Promise<Bench> {
  const scenario = { ...scenarioOf(volumes, age, { limits: false }), clock: { speed: 1 } };
  return Bench.start(
    { ...scenario, copies: { seconds: 600, secondsPerGiB: 0 }, places: [{ region: "eu-west-1" }], ...more },
    {},
    retention,
  );
}

/** The snapshots in the other Region. */
async function there({ simulator }: Bench, place = ireland) {
  const { snapshots } = await simulator.control.state(place);
  return Object.values(snapshots);
}

test.concurrent("each complete point is copied once, with its tags and what it is of, and the next run adds what is new", async () => {
  await using bench = await start(2, 0);
  const first = await bench.run();
  expect(first.code, first.stdout + first.stderr).toBe(0);
  expect(copiesOf(first)).toMatchObject([{ region: "eu-west-1", begun: [], complete: 0, lagSeconds: 0 }]);
  await bench.tomorrow();
  const second = await bench.run();
  expect(second.code, second.stdout + second.stderr).toBe(0);
  const [point] = first.report.points;
  const [copies] = copiesOf(second);
  expect(copies?.begun.map((one) => one.point)).toEqual([point?.id, point?.id]);
  expect(copies?.lagSeconds).toBeGreaterThan(86_000);
  const made = await there(bench);
  expect(made).toHaveLength(2);
  const { snapshots } = await bench.simulator.control.state();
  for (const { tags } of made) {
    const source = snapshots[tags["Source_SnapshotId"] ?? ""];
    expect(tags).toMatchObject({
      "ec2-backup:copied-from": "eu-central-1",
      "ec2-backup:copied-volume": source?.volumeId,
      "ec2-backup:point": point?.id,
      "ec2-backup:instance": instance.arn,
      "ec2-backup:job": "default",
    });
  }
  await bench.tomorrow();
  const third = await bench.run();
  expect(third.code, third.stdout + third.stderr).toBe(0);
  expect(copiesOf(third)).toMatchObject([{ complete: 1, begun: [{}, {}] }]);
  expect(await there(bench)).toHaveLength(4);
});

const inIreland = { region: "eu-west-1" } as const;
const callsOf = ({ simulator }: Bench, action: string) =>
  simulator.control.calls().filter((call) => call.action === action);

/** Copies on demand. */
async function copy(bench: Bench, ...more: readonly string[]): Promise<Run> {
  const ended = await bench.execute(["copy", "--config", bench.config, "--json", ...more]);
  const { reports = [] } = JSON.parse(ended.stdout || "{}") as { reports?: readonly Run["report"][] };
  const [report] = reports;
  if (report === undefined) throw new Error(`no report, exit ${ended.code}: ${ended.stdout}${ended.stderr}`);
  return { ...ended, report };
}

test.concurrent("a run that is killed between a copy and its answer leaves one copy of each, which the next run finds", async ({
  expect,
}) => {
  await using bench = await start(3, 1);
  await bench.simulator.control.faults([
    { ...inIreland, action: "CopySnapshot", skip: 1, count: 1, kind: "hang-after" },
  ]);
  let pid = 0;
  const running = bench.execute(["copy", "--config", bench.config], {
    onStart: (id) => {
      pid = id;
    },
  });
  await expect.poll(() => callsOf(bench, "CopySnapshot").length, { timeout: 60_000 }).toBe(2);
  process.kill(pid, "SIGKILL");
  expect((await running).signal).toBe("SIGKILL");
  await bench.simulator.control.faults([]);
  expect(await there(bench)).toHaveLength(2);
  const next = await copy(bench);
  expect(next.code, next.stdout).toBe(0);
  expect(copiesOf(next)[0]?.begun).toHaveLength(1);
  const sources = (await there(bench)).map(({ tags }) => tags["Source_SnapshotId"]);
  expect(new Set(sources).size).toBe(3);
  expect(sources).toHaveLength(3);
});

test.concurrent("an answer that is lost is looked for and never asked for again", async () => {
  await using bench = await start(2, 1);
  await bench.simulator.control.faults([
    { ...inIreland, action: "CopySnapshot", count: 1, kind: "reset-after" },
  ]);
  const found = await copy(bench);
  expect(found.code, found.stdout).toBe(0);
  expect(copiesOf(found)[0]?.begun).toHaveLength(2);
  expect(callsOf(bench, "CopySnapshot")).toHaveLength(2);
  expect(await there(bench)).toHaveLength(2);
});

test.concurrent("what EC2 does not take is left to the next run without an error, and only what runs no more makes room", async () => {
  await using bench = await start(6, 4, "{ last: 9 }, copy: [{ region: eu-west-1 }]");
  const first = await copy(bench);
  expect(first.code, first.stdout).toBe(0);
  expect(copiesOf(first)[0]?.begun).toHaveLength(20);
  expect(copiesOf(first)[0]?.waiting).toHaveLength(1);
  // The newest is the first, and the rest begins with the oldest.
  const captured = new Map(first.report.retention?.keep.map(({ point }) => [point.id, point]));
  expect(captured.size).toBe(0);
  const again = await copy(bench);
  expect(copiesOf(again)[0]?.begun).toHaveLength(0);
  expect(again.code, again.stdout).toBe(0);
  await bench.simulator.control.clock({ advance: "15m" });
  const rest = await copy(bench);
  expect(copiesOf(rest)[0]?.begun).toHaveLength(4);
  expect(await there(bench)).toHaveLength(24);
  expect(callsOf(bench, "CopySnapshot").filter(({ outcome }) => outcome?.code !== "OK")).toEqual([]);
});

test.concurrent("a Region that others have filled is no error: ResourceLimitExceeded waits, and the lag tells it", async () => {
  await using bench = await start(2, 1);
  await bench.simulator.control.faults([
    { ...inIreland, action: "CopySnapshot", count: 1, kind: "error", code: "ResourceLimitExceeded" },
  ]);
  const full = await copy(bench);
  expect(full.code, full.stdout).toBe(0);
  expect(copiesOf(full)).toMatchObject([{ begun: [], waiting: [expect.any(String)] }]);
  expect(copiesOf(full)[0]?.lagSeconds).toBeGreaterThan(80_000);
  await bench.simulator.control.faults([
    { ...inIreland, action: "CopySnapshot", count: 1, kind: "throttle" },
  ]);
  const throttled = await copy(bench);
  expect(throttled.code, throttled.stdout).toBe(0);
  expect(copiesOf(throttled)[0]?.begun).toHaveLength(2);
});

test.concurrent("a key that fails minutes later is told with EC2's words by the next run, which tries again and clears", async () => {
  await using bench = await start(1, 1);
  await bench.simulator.control.faults([
    { ...inIreland, action: "CopySnapshot", count: 1, kind: "partial", seconds: 120 },
  ]);
  const begun = await copy(bench);
  expect(begun.code, begun.stdout).toBe(0);
  await bench.simulator.control.clock({ advance: "15m" });
  const told = await copy(bench);
  expect(told.code).toBe(1);
  expect(errors(told)).toMatchObject([
    { code: "CopyFailed", found: expect.stringContaining("Given key ID is not accessible") },
  ]);
  expect(copiesOf(told)).toMatchObject([{ begun: [{}], cleared: [{ because: "failed" }] }]);
  const [only, ...others] = await there(bench);
  expect(others).toEqual([]);
  expect(only?.tags).toMatchObject({ "ec2-backup:copy-attempt": "2" });
  await bench.simulator.control.clock({ advance: "15m" });
  const well = await copy(bench);
  expect(well.code, well.stdout).toBe(0);
  expect(copiesOf(well)).toMatchObject([{ complete: 1, failed: [], lagSeconds: 0 }]);
});

test.concurrent("a key that is disabled or not there is found before anything is copied", async () => {
  const keys = [{ id: "0c", state: "Disabled" }];
  const named = (key: string) => `{ last: 4 }, copy: [{ region: eu-west-1, kmsKeyId: "${key}" }]`;
  const arn = (id: string) => `arn:aws:kms:eu-west-1:${instance.account}:key/${id}`;
  await using bench = await start(1, 1, named(arn("0c")), { places: [{ region: "eu-west-1", keys }] });
  const disabled = await copy(bench);
  expect(disabled.code, "nothing was done").toBe(2);
  expect(errors(disabled)).toMatchObject([{ code: "KeyState", found: expect.stringContaining("Disabled") }]);
  await bench.configure({}, named("alias/nowhere"));
  const unknown = await copy(bench);
  expect(errors(unknown)).toMatchObject([{ code: "KeyState", found: "there is no such key" }]);
  expect(callsOf(bench, "CopySnapshot")).toEqual([]);
});

test("a Region that hangs delays the run only by a bound, and another not at all", async () => {
  const two = "{ last: 4 }, copy: [{ region: eu-west-1 }, { region: us-east-1 }]";
  const places = [{ region: "eu-west-1" }, { region: "us-east-1" }];
  await using bench = await start(1, 1, two, { places });
  await bench.configure({ request: "1s" }, two);
  await bench.simulator.control.faults([
    { ...inIreland, action: "*", service: "ec2", kind: "hang", count: "always" },
  ]);
  const run = await bench.run();
  expect(run.code, run.stdout).toBe(1);
  expect(run.report.points).toHaveLength(1);
  expect(errors(run)).toMatchObject([{ kind: "unreachable", doing: expect.stringContaining("eu-west-1") }]);
  expect(run.ms).toBeLessThan(60_000);
  const [away, well] = copiesOf(run);
  expect(away).not.toHaveProperty("asOf");
  expect(well).toMatchObject({ region: "us-east-1", begun: [{}] });
  expect(await there(bench, `${instance.account}/us-east-1`)).toHaveLength(1);
});

test.concurrent("two who copy at once make a doubled copy at worst, which the next run clears", async () => {
  await using bench = await start(2, 1);
  await Promise.all([
    copy(bench),
    bench.execute(["copy", "--config", bench.config], { env: { STATE_DIRECTORY: `${bench.state}-2` } }),
  ]);
  await bench.simulator.control.clock({ advance: "15m" });
  const next = await copy(bench);
  expect(next.code, next.stdout).toBe(0);
  expect(copiesOf(next)).toMatchObject([{ begun: [], complete: 1 }]);
  expect(await there(bench)).toHaveLength(2);
});

test.concurrent("copies are thinned by their own retention, and stay when their source is gone", async () => {
  const own = "{ last: 1 }, copy: [{ region: eu-west-1, retention: { last: 3 } }]";
  await using bench = await start(1, 0, own);
  let last: Run | undefined;
  for (let day = 0; day < 7; day += 1) {
    last = await bench.run();
    expect(last.code, last.stdout).toBe(0);
    await bench.tomorrow();
  }
  // What the last run but one has copied is the newest of three; the one before it is gone.
  expect(last && copiesOf(last)).toMatchObject([{ complete: 3, begun: [{}] }]);
  const { snapshots } = await bench.simulator.control.state();
  const here = Object.values(snapshots).filter(({ tags }) => "ec2-backup:point" in tags);
  expect(here).toHaveLength(2);
  const sources = (await there(bench)).map(({ tags }) => tags["Source_SnapshotId"] ?? "");
  expect(sources).toHaveLength(4);
  expect(sources.filter((id) => !(id in snapshots))).toHaveLength(3);
});

test.concurrent("copy --wait waits until all is whole there, a plan copies nothing, and no job that copies is no error", async () => {
  await using bench = await start(3, 2, "{ last: 4 }, copy: [{ region: eu-west-1, completeWithin: 15m }]", {
    copies: { seconds: 1, secondsPerGiB: 0 },
  });
  await bench.configure({ settleEvery: "300ms" }, "{ last: 4 }, copy: [{ region: eu-west-1 }]");
  const planned = await bench.execute(["copy", "--dry-run", "--config", bench.config]);
  expect(planned.code, planned.stderr).toBe(0);
  expect(planned.stdout.match(/would copy snap-/g)).toHaveLength(6);
  expect(callsOf(bench, "CopySnapshot")).toEqual([]);
  const waited = await copy(bench, "--wait");
  expect(waited.code, waited.stdout).toBe(0);
  expect(copiesOf(waited)).toMatchObject([{ complete: 2, running: 0, waiting: [], lagSeconds: 0 }]);
  await bench.configure({}, "{ last: 4 }");
  const none = await bench.execute(["copy", "--config", bench.config]);
  expect([none.code, none.stdout]).toEqual([
    0,
    expect.stringContaining("copies its points to another Region"),
  ]);
});

test.concurrent("copy --wait begins nothing twice that EC2 is late to show", async () => {
  const targets = "{ last: 4 }, copy: [{ region: eu-west-1 }]";
  await using bench = await start(2, 1, targets, { copies: { seconds: 1, secondsPerGiB: 0 } });
  await bench.configure({ settleEvery: "200ms", reconcileFor: "1m" }, targets);
  await bench.simulator.control.faults([
    { ...inIreland, action: "CopySnapshot", kind: "invisible", seconds: 3 },
  ]);
  const waited = await copy(bench, "--wait");
  expect(waited.code, waited.stdout).toBe(0);
  expect(callsOf(bench, "CopySnapshot")).toHaveLength(2);
  expect(copiesOf(waited)).toMatchObject([{ complete: 1, begun: [{}, {}], waiting: [], lagSeconds: 0 }]);
});

test.concurrent("copies in time are asked of EC2 so, by a run and by the sweep that copies in its place", async () => {
  const targets = "{ last: 4 }, copy: [{ region: eu-west-1, completeWithin: 45m }]";
  await using bench = await start(2, 1, targets, { copies: { seconds: 600, secondsPerGiB: 0 } });
  const minutes = async () => (await there(bench)).map((one) => one.copy?.completionMinutes);
  const run = await bench.run();
  expect([run.code, await minutes()], run.stdout).toEqual([0, [45, 45]]);
  // The point of this run is to be copied by whoever sweeps when its instance is off.
  const { snapshots } = await bench.simulator.control.state();
  expect(Object.values(snapshots).map(({ tags }) => tags["ec2-backup:copy"])).toContain(
    "eu-west-1 within=45",
  );
  await bench.simulator.control.instances({ change: { instance: instance.id, state: "stopped" } });
  await bench.tomorrow();
  const swept = await bench.execute(["sweep", "--only", "copy", "--yes", "--config", bench.config]);
  expect(swept.code, swept.stdout + swept.stderr).toBe(0);
  expect(await minutes()).toEqual([45, 45, 45, 45]);
});

test.concurrent("the tag Copy_Dest names Regions, the own one is refused, and what is recorded lets others copy in its place", async () => {
  await using bench = await start(1, 0, "{ last: 4 }");
  const tags = { Copy_Dest: "eu-west-1 eu-central-1" };
  await bench.simulator.control.instances({ change: { instance: instance.id, tags } });
  const run = await bench.run();
  expect(run.code).toBe(1);
  expect(errors(run)).toMatchObject([{ code: "OwnRegion" }]);
  expect(copiesOf(run).map(({ region }) => region)).toEqual(["eu-west-1", "eu-central-1"]);
  const { snapshots } = await bench.simulator.control.state();
  expect(Object.values(snapshots).map(({ tags: written }) => written["ec2-backup:copy"])).toContain(
    "eu-west-1 eu-central-1",
  );
});

test.concurrent("list, explain and status tell what lies in the other Region, and a restore there finds the points", async () => {
  await using bench = await start(
    2,
    2,
    "{ last: 1 }, copy: [{ region: eu-west-1, retention: { last: 5 } }]",
    {
      images: [],
    },
  );
  const copied = await copy(bench);
  expect(copied.code, copied.stdout).toBe(0);
  await bench.simulator.control.clock({ advance: "15m" });
  expect((await bench.run()).code).toBe(0);
  const words = (...more: readonly string[]) => bench.execute([...more, "--config", bench.config]);
  const listed = await words("list");
  expect(listed.code, listed.stderr).toBe(0);
  expect(listed.stdout).toContain("complete in eu-west-1");
  expect(listed.stdout).toMatch(/Copies of default in eu-west-1: 2 points complete/);
  const [one] = await there(bench);
  const explained = await words("explain", one?.id ?? "");
  expect(explained.code, explained.stderr).toBe(0);
  expect(explained.stdout).toContain(`in eu-west-1, of ${one?.tags["Source_SnapshotId"]}`);
  expect(explained.stdout).toContain("It is kept, because:");
  const status = await words("status", "--offline");
  expect(status.stdout).toMatch(/copies in eu-west-1, as the last run saw them: 2 points whole/);
  const page = await words("report", "--format", "md");
  expect(page.stdout).toContain("- copies in eu-west-1: 2 points whole");
  const html = await words("report", "--format", "html");
  expect(html.stdout).toContain("<dt>Copies in eu-west-1</dt><dd>nothing is missing");
  const restorable = await words("restore", "list", "--region", "eu-west-1");
  expect(restorable.code, restorable.stderr).toBe(0);
  expect(restorable.stdout.match(/complete/g)?.length).toBeGreaterThanOrEqual(2);
});

test.concurrent("where another role prunes, runs leave the copies too, and prune thins both without copying anything", async () => {
  const own = "{ last: 1 }, prune: elsewhere, copy: [{ region: eu-west-1, retention: { last: 2 } }]";
  await using bench = await start(1, 0, own);
  for (let night = 0; night < 6; night += 1) {
    const run = await bench.run();
    expect(run.code, run.stdout).toBe(0);
    await bench.tomorrow();
  }
  expect(await there(bench)).toHaveLength(5);
  expect(callsOf(bench, "DeleteSnapshot")).toEqual([]);
  const before = callsOf(bench, "CopySnapshot").length;
  const shown = await bench.execute(["prune", "--yes", "--dry-run", "--config", bench.config]);
  expect(shown.stdout).toMatch(/Retention in eu-west-1: last 2/);
  expect(await there(bench)).toHaveLength(5);
  const pruned = await bench.execute(["prune", "--yes", "--config", bench.config]);
  expect(pruned.code, pruned.stdout + pruned.stderr).toBe(0);
  expect(await there(bench)).toHaveLength(2);
  expect(callsOf(bench, "CopySnapshot")).toHaveLength(before);
});

test.concurrent("alarms plan has one alarm for each Region, on the metric that runs publish", async () => {
  await using bench = await start(1, 1);
  expect((await bench.run()).code).toBe(0);
  const sent = callsOf(bench, "PutMetricData").flatMap(
    ({ parameters }) =>
      (parameters as { MetricData: { MetricName: string; Dimensions: { Name: string; Value: string }[] }[] })
        .MetricData,
  );
  const lag = sent.find(({ MetricName }) => MetricName === "CopyLag");
  expect(lag?.Dimensions).toContainEqual({ Name: "Region", Value: "eu-west-1" });
  const planned = await bench.execute(["alarms", "plan", "--config", bench.config]);
  expect(planned.stdout).toMatch(/default\/eu-west-1\/copy-lag .*create\n *rings if CopyLag > 52h/);
});
