import { once } from "node:events";
import { expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { DestinationSwept } from "../../src/core/sweep-report.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import type { Snapshot } from "../../src/simulator/world.ts";
import { asked, notAllowed, policyNamed, superfluous } from "./policies.ts";
import { startSweep } from "./sweep-kill.ts";
import {
  fleetOf,
  own,
  pointId,
  type SeriesWish,
  SweepStage,
  type Swept,
  seriesOf,
  snapshotId,
} from "./sweep-stage.ts";

const home = `${own}/eu-central-1`;
const west = `${own}/eu-west-1`;
const recorded = (words: string) => ({ "ec2-backup:copy": words });

const copying = (wishes: readonly SeriesWish[], change: Partial<Scenario> = {}) => ({
  ...fleetOf(wishes),
  clock: { speed: 1 },
  copies: { seconds: 600, secondsPerGiB: 0 },
  ...change,
});

const into = (swept: Swept, region = "eu-west-1", unit = home): DestinationSwept => {
  const found = swept.unit(unit).copy?.destinations.find((one) => one.region === region);
  if (found === undefined) throw new Error(`nothing about ${region}: ${swept.stdout}${swept.stderr}`);
  return found;
};

/** The copies in a place, by what they are of. */
async function there({ simulator }: SweepStage, place = west): Promise<readonly Snapshot[]> {
  const { snapshots } = await simulator.control.state(place);
  return Object.values<Snapshot>(snapshots).filter(({ copy }) => copy !== null);
}

const sources = (copies: readonly Snapshot[]) => copies.map(({ tags }) => tags["Source_SnapshotId"]).sort();
const only = ["--only", "copy"];

test.concurrent("copies what points record, what the instance's tag and the file say, of who is there or gone, under exactly its policies", async () => {
  const keyArn = `arn:aws:kms:eu-west-1:${own}:key/0fb0`;
  const wishes: readonly SeriesWish[] = [
    {
      number: 1,
      ages: [2, 3],
      volumes: 3,
      state: "gone",
      marks: { ...recorded(`eu-west-1 key=${keyArn} keep=last=1`), Team: "a" },
    },
    { number: 2, ages: [2], tags: { SnapshotsExtraRegion1: "eu-west-1" } },
    { number: 3, ages: [2] },
    { number: 4, ages: [2], marks: recorded("rubbish!") },
    { number: 5, ages: [2], marks: recorded("eu-central-1") },
  ];
  const scenario = copying(wishes);
  const places = (scenario.places ?? []).map((one) =>
    one.region === "eu-west-1" ? { ...one, keys: [{ id: "0fb0" }] } : one,
  );
  const sourceKey = `arn:aws:kms:eu-central-1:${own}:key/0fa0`;
  const snapshots = (scenario.snapshots ?? []).map((one) => ({
    ...one,
    encrypted: true,
    kmsKeyId: sourceKey,
  }));
  const encrypted = { ...scenario, places, snapshots, keys: [{ id: "0fa0" }] };
  await using stage = await SweepStage.start(encrypted, "{ copy: true }");
  const policies = await Promise.all(["sweep", "sweep-copy"].map(policyNamed));
  const documents = policies.map((one) => JSON.stringify(one));
  await stage.simulator.control.settings({ policies: [{ principal: "*:user/operator", documents }] });
  const planned = await stage.sweep([...only, "--dry-run"]);
  expect(planned.code, planned.stdout).toBe(0);
  // Of the first, retention there keeps the newest alone.
  expect(
    into(planned)
      .begun.map(({ point }) => point)
      .sort(),
  ).toEqual([...Array(3).fill(pointId(1, 2)), pointId(2, 2)].sort());
  expect(await there(stage)).toEqual([]);

  const swept = await stage.sweep(only);
  expect(swept.code, swept.stdout).toBe(0);
  expect(into(swept)).toMatchObject({ series: 2, waiting: 0, begun: { length: 4 } });
  expect(into(swept).lagSeconds).toBeGreaterThan(86_000);
  expect(swept.unit(home).problems).toMatchObject([{ severity: "warning", code: "NoTarget" }]);
  const made = await there(stage);
  expect(sources(made)).toEqual(
    [0, 1, 2]
      .map((index) => snapshotId(1, 2, index))
      .concat(snapshotId(2, 2))
      .sort(),
  );
  const first = made.filter(({ tags }) => tags[tagKeys.point] === pointId(1, 2));
  for (const { tags, kmsKeyId } of first) {
    expect(kmsKeyId).toBe(keyArn);
    expect(tags).toMatchObject({
      Team: "a",
      "ec2-backup:copied-from": "eu-central-1",
      "ec2-backup:copied-by": swept.report.run,
      [tagKeys.retention]: expect.stringMatching(/^last=1 zone=UTC/),
    });
  }

  const needed = asked(stage.simulator, 0, ":user/operator");
  expect(notAllowed(policies, needed)).toEqual([]);
  await stage.configure("{ copy: [{ region: eu-west-1, retention: { last: 3 } }] }");
  const all = await stage.sweep(only);
  expect([all.code, into(all).series, into(all).begun.map(({ source }) => source)], all.stdout).toEqual([
    0,
    4,
    [snapshotId(3, 2), snapshotId(5, 2)],
  ]);
  await stage.simulator.control.clock({ advance: "15m" });
  const whole = await stage.sweep(only);
  expect([whole.code, into(whole)]).toMatchObject([0, { begun: [], waiting: 0, lagSeconds: 0 }]);
  const spare = superfluous(policies, asked(stage.simulator, 0, ":user/operator"));
  expect(spare.filter((one) => /Cop(y|ies)/.test(one))).toEqual([]);
}, 60_000);

test.concurrent("leaves to running agents what they copy by their next run, and copies it where they do not", async () => {
  const marks = recorded("eu-west-1");
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [1, 2], marks },
    { number: 2, ages: [1], marks, state: "stopped" },
  ];
  await using stage = await SweepStage.start(copying(wishes), "{ copy: true }");
  const swept = await stage.sweep(only);
  expect(swept.code, swept.stdout).toBe(0);
  expect(into(swept)).toMatchObject({ leftToAgents: 1 });
  expect(sources(await there(stage))).toEqual([snapshotId(1, 2), snapshotId(2, 1)]);
  await stage.configure("{ copy: true, copyAfter: 1h }");
  await stage.sweep(only);
  expect(await there(stage)).toHaveLength(3);
});

test.concurrent("begins no more than EC2 runs, everybody else's counted, and goes on with the next sweep until sets are whole", async () => {
  const marks = recorded("eu-west-1");
  const wishes = [1, 2, 3, 4].map((number) => ({
    number,
    ages: [2, 3],
    volumes: 4,
    marks,
    state: "gone" as const,
  }));
  await using stage = await SweepStage.start(copying(wishes), "{ copy: true }");
  const first = await stage.sweep(only);
  expect([first.code, into(first)], first.stdout).toMatchObject([0, { begun: { length: 20 }, waiting: 12 }]);
  // The newest of each before any other, and each set as a whole.
  const begun = Object.groupBy(into(first).begun, ({ point }) => point);
  expect(Object.values(begun).map((its) => its?.length)).toEqual(Array(5).fill(4));
  expect(Object.keys(begun)).toEqual(
    expect.arrayContaining([1, 2, 3, 4].map((number) => pointId(number, 2))),
  );
  expect((await stage.sweep(only)).report.units[0]?.copy?.destinations[0]?.begun).toEqual([]);

  await stage.simulator.control.clock({ advance: "15m" });
  stage.simulator.control.faults([
    {
      kind: "error",
      action: "CopySnapshot",
      region: "eu-west-1",
      code: "ResourceLimitExceeded",
      status: 400,
      index: 3,
    },
  ]);
  const full = await stage.sweep(only);
  expect([full.code, into(full)], full.stdout).toMatchObject([0, { begun: { length: 2 }, waiting: 10 }]);
  await stage.sweep(only);
  const all = await there(stage);
  expect([all.length, new Set(sources(all)).size]).toEqual([32, 32]);
}, 60_000);

test("one Region that does not answer delays no other, and what is pruned and cleaned here not at all", async () => {
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [2, 3, 4, 5, 30, 31], marks: recorded("eu-west-1 us-east-1") },
  ];
  const scenario = copying(wishes);
  const places = [...(scenario.places ?? []), { account: own, region: "us-east-1" }];
  await using stage = await SweepStage.start({ ...scenario, places }, "{ copy: true, unitDeadline: 60s }");
  await stage.configure("{ copy: true, unitDeadline: 60s }", "500ms");
  stage.simulator.control.faults([{ kind: "hang", service: "ec2", region: "eu-west-1", count: "always" }]);
  const swept = await stage.sweep();
  expect(swept.code, swept.stdout).toBe(1);
  expect(swept.unit(home)).toMatchObject({ outcome: "partly", prune: { removedSnapshots: 2 } });
  expect(swept.unit(home).problems).toMatchObject([
    { kind: "unreachable", doing: expect.stringContaining("eu-west-1") },
  ]);
  expect(into(swept)).not.toHaveProperty("asOf");
  expect(into(swept, "us-east-1")).toMatchObject({ begun: { length: 4 } });
});

test.concurrent("a key that is disabled is told before, one that fails minutes later by the next sweep, which tries again and clears", async () => {
  const keyArn = `arn:aws:kms:eu-west-1:${own}:key/0c`;
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [2], state: "gone", marks: recorded(`eu-west-1 key=${keyArn}`) },
    { number: 2, ages: [2], state: "gone", marks: recorded("eu-west-1") },
  ];
  const scenario = copying(wishes);
  const places = (scenario.places ?? []).map((one) =>
    one.region === "eu-west-1" ? { ...one, keys: [{ id: "0c", state: "Disabled" as const }] } : one,
  );
  await using stage = await SweepStage.start({ ...scenario, places }, "{ copy: true }");
  stage.simulator.control.faults([
    { kind: "partial", action: "CopySnapshot", region: "eu-west-1", seconds: 120, count: 1 },
  ]);
  const begun = await stage.sweep(only);
  expect(begun.code, begun.stdout).toBe(1);
  expect(into(begun)).toMatchObject({ begun: { length: 1 }, waiting: 1 });
  expect(begun.unit(home).problems).toMatchObject([
    { code: "KeyState", found: expect.stringContaining("Disabled") },
  ]);
  await stage.simulator.control.clock({ advance: "15m" });
  const told = await stage.sweep(only);
  expect(told.code).toBe(1);
  expect(told.unit(home).problems.map(({ code }) => code)).toEqual(["KeyState", "CopyFailed"]);
  expect(told.unit(home).problems[1]?.found).toContain("Given key ID is not accessible");
  expect(into(told)).toMatchObject({
    begun: { length: 1 },
    failed: [{ attempt: 1 }],
    cleared: [{ because: "failed" }],
  });
  const left = await there(stage);
  expect(left).toMatchObject([{ tags: { "ec2-backup:copy-attempt": "2" } }]);
});

test.concurrent("copies go by their own retention, whether that Region is swept or not, and never since their source is gone", async () => {
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [10, 11, 12, 13, 14, 15], state: "gone", marks: recorded("eu-west-1 keep=last=6") },
  ];
  await using stage = await SweepStage.start(
    copying(wishes, { copies: { seconds: 1, secondsPerGiB: 0 } }),
    "{ copy: true }",
  );
  expect(into(await stage.sweep(only)).begun).toHaveLength(6);
  await stage.simulator.control.clock({ advance: "8d" });
  const { snapshots } = await stage.simulator.control.state(home);
  // Who has removed all here has not removed it there.
  await stage.simulator.control.snapshots(
    Object.keys(snapshots).map((id) => ({ remove: { snapshot: id } })),
    home,
  );
  expect((await stage.sweep(["--yes"])).code).toBe(0);
  expect(await there(stage)).toHaveLength(6);
  const retained = async (words: string) =>
    stage.simulator.control.snapshots(
      (await there(stage)).map(({ id }) => ({
        change: { snapshot: id, tags: { [tagKeys.retention]: words } },
      })),
      west,
    );
  await retained("last=4 zone=UTC demanded=crash delay=7d");
  const another: SeriesWish = { number: 2, ages: [2], marks: recorded("eu-west-1"), state: "gone" };
  const { now } = await stage.simulator.control.state();
  const more = seriesOf(another, Date.parse(now)).snapshots;
  await stage.simulator.control.snapshots(
    more.map((create) => ({ create })),
    home,
  );
  const unswept = await stage.sweep(["--yes"]);
  expect(unswept.code, unswept.stdout).toBe(0);
  expect(into(unswept)).toMatchObject({ begun: { length: 1 }, prune: { removedSnapshots: 2 } });
  await retained("last=1 zone=UTC demanded=crash delay=7d");
  const both = await stage.sweep(["--region", "eu-central-1", "--region", "eu-west-1", "--yes"]);
  expect(both.code, both.stdout).toBe(0);
  expect(into(both)).not.toHaveProperty("prune");
  expect(both.unit(west).prune).toMatchObject({ removedSnapshots: 3 });
  expect(sources(await there(stage))).toEqual([snapshotId(1, 10), snapshotId(2, 2)].sort());
}, 60_000);

test.concurrent("of two sweeps at once one goes on, and what both have begun is one copy in the end", async () => {
  const marks = recorded("eu-west-1");
  const wishes = Array.from({ length: 9 }, (_, index) => ({
    number: index + 1,
    ages: [2],
    volumes: 2,
    marks,
    state: "gone" as const,
  }));
  await using stage = await SweepStage.start(copying(wishes), "{ copy: true }");
  const both = await Promise.all([stage.sweep(only), stage.sweep(only)]);
  expect(
    both.map(({ code }) => code),
    both.map(({ stdout }) => stdout).join("\n"),
  ).toEqual([0, 0]);
  const made = await there(stage);
  expect(new Set(sources(made)).size).toBe(18);
  // At worst the very first of them was begun at the same moment.
  expect(made.length).toBeLessThanOrEqual(19);
  await stage.simulator.control.clock({ advance: "15m" });
  expect((await stage.sweep(only)).code).toBe(0);
  expect(await there(stage)).toHaveLength(18);
}, 60_000);

test.concurrent("a sweep that is killed between a copy and its answer leaves one copy of each, which the next one knows", async ({
  expect,
}) => {
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [2], volumes: 3, marks: recorded("eu-west-1"), state: "gone" },
  ];
  await using stage = await SweepStage.start(copying(wishes), "{ copy: true }");
  stage.simulator.control.faults([
    { kind: "hang-after", action: "CopySnapshot", region: "eu-west-1", skip: 1, count: 1 },
  ]);
  const child = startSweep(stage, only);
  await expect.poll(async () => (await there(stage)).length, { timeout: 30_000 }).toBe(2);
  child.kill("SIGKILL");
  await once(child, "exit");
  const next = await stage.sweep(only);
  expect([next.code, into(next).begun.length], next.stdout).toEqual([0, 1]);
  expect(sources(await there(stage))).toEqual([0, 1, 2].map((index) => snapshotId(1, 2, index)));
});

test.concurrent("nothing is copied unless it is asked for, and never a copy", async () => {
  const wishes: readonly SeriesWish[] = [
    { number: 1, ages: [2], marks: recorded("eu-west-1"), state: "gone" },
  ];
  await using stage = await SweepStage.start(copying(wishes, { copies: { seconds: 1, secondsPerGiB: 0 } }));
  expect((await stage.sweep()).unit(home)).not.toHaveProperty("copy");
  await stage.sweep(only);
  await stage.simulator.control.clock({ advance: "10m" });
  await stage.configure("{ copy: [{ region: us-east-1 }, { region: eu-central-1 }] }");
  const onward = await stage.sweep(["--region", "eu-west-1", ...only]);
  expect([onward.code, onward.unit(west).copy?.destinations]).toEqual([0, []]);
});
