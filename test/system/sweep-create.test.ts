import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { claimKey } from "../../src/core/sweep-claims.ts";
import { asked, notAllowed, policyNamed, superfluous } from "./policies.ts";
import { startSweep } from "./sweep-kill.ts";
import {
  arnOf,
  fleetOf,
  instanceId,
  other,
  own,
  role,
  type SeriesWish,
  SweepStage,
  thingsOf,
  volumeId,
} from "./sweep-stage.ts";

const home = `${own}/eu-central-1`;
const yes = { Backup: "yes" };
const fleet: readonly SeriesWish[] = [
  { number: 1, ages: [3, 4], tags: yes, volumes: 3 },
  { number: 2, ages: [], tags: { ...yes, Retention: "daily=9" } },
  { number: 3, ages: [0, 1], tags: yes },
  { number: 4, ages: [], tags: { Backup: "no" } },
  { number: 5, ages: [] },
  { number: 6, ages: [9], tags: yes, state: "stopped" },
  { number: 7, ages: [9], tags: yes, state: "terminated" },
];
const created = (swept: Awaited<ReturnType<SweepStage["sweep"]>>) =>
  swept.unit(home).create?.captured.map(({ instance, outcome }) => `${outcome} ${instance}`);

test.concurrent("captures what is overdue, with the tags that its agent would have written, and nothing twice", async () => {
  await using stage = await SweepStage.start(fleetOf(fleet), "{ create: { overdueAfter: 26h } }");
  const policies = await Promise.all(["sweep", "sweep-create"].map(policyNamed));
  const documents = policies.map((one) => JSON.stringify(one));
  await stage.simulator.control.settings({ policies: [{ principal: "*:user/operator", documents }] });
  const before = await stage.points();
  const planned = await stage.sweep(["--dry-run", "--only", "create"]);
  expect([planned.code, created(planned)], planned.stdout).toEqual([
    0,
    [2, 6, 1].map((number) => `overdue ${instanceId(number)}`),
  ]);
  expect(await stage.points()).toEqual(before);

  const swept = await stage.sweep(["--only", "create"]);
  expect([swept.code, created(swept)], swept.stdout).toEqual([
    0,
    [2, 6, 1].map((number) => `created ${instanceId(number)}`),
  ]);
  const { snapshots } = await stage.simulator.control.state();
  const made = Object.values(snapshots).filter(({ tags }) => !before.includes(tags[tagKeys.point] ?? ""));
  const ofFirst = made.filter(({ tags }) => tags[tagKeys.instance] === arnOf({ number: 1, ages: [] }));
  expect(ofFirst.map(({ volumeId: id }) => id).sort()).toEqual([0, 1, 2].map((index) => volumeId(1, index)));
  expect(new Set(ofFirst.map(({ tags }) => tags[tagKeys.point])).size).toBe(1);
  expect(ofFirst[0]?.tags).toMatchObject({
    [tagKeys.series]: `${arnOf({ number: 1, ages: [] })}/default`,
    [tagKeys.consistency]: "crash",
    [tagKeys.retention]: expect.stringMatching(/^last=4 zone=UTC/),
  });
  const ofSecond = made.find(({ tags }) => tags[tagKeys.instance] === arnOf({ number: 2, ages: [] }));
  expect(ofSecond?.tags[tagKeys.retention]).toMatch(/^daily=9 zone=UTC/);

  const needed = asked(stage.simulator, 0, ":user/operator");
  expect(notAllowed(policies, needed)).toEqual([]);
  const spare = superfluous(policies, needed);
  expect(spare.filter((one) => /^(Capture(Inst|Say)|TagAtBirth)/.test(one))).toEqual([]);

  const again = await stage.sweep([]);
  expect([again.code, created(again)], again.stdout).toEqual([0, []]);
}, 60_000);

test.concurrent("takes instances without a tag where it is told to, those alone that EC2's filters leave, and none unless it is asked to", async () => {
  await using stage = await SweepStage.start(fleetOf(fleet));
  expect((await stage.sweep(["--dry-run"])).unit(home).create).toBeUndefined();
  expect(created(await stage.sweep(["--dry-run", "--only", "create"]))).toHaveLength(3);
  await stage.configure("{ create: { all: true } }");
  const all = created(await stage.sweep(["--dry-run"]));
  expect(all).toContain(`overdue ${instanceId(5)}`);
  expect(all).not.toContain(`overdue ${instanceId(4)}`);
  await stage.configure('{ create: { filters: [{ name: "tag:Name", values: ["host-[12]", "host-2*"] }] } }');
  expect(created(await stage.sweep(["--dry-run"]))).toEqual([`overdue ${instanceId(2)}`]);
});

test.concurrent("a sweep whose time is up in its last part tells what the first ones have done", async () => {
  await using stage = await SweepStage.start(fleetOf(fleet), "{ create: {}, unitDeadline: 6s }");
  stage.simulator.control.faults([{ kind: "hang", action: "DescribeAlarms" }]);
  await stage.configure("{ create: {}, unitDeadline: 6s }", "1m");
  const swept = await stage.sweep();
  expect(swept.unit(home)).toMatchObject({ outcome: "late", prune: {}, problems: [{ kind: "interrupted" }] });
  expect(created(swept)).toHaveLength(3);
});

test.concurrent("one that cannot be captured keeps no other from it, and a lost answer makes no second set", async () => {
  await using stage = await SweepStage.start(fleetOf(fleet), "{ create: {} }");
  stage.simulator.control.faults([
    {
      kind: "error",
      action: "CreateSnapshots",
      code: "IncorrectState",
      status: 400,
      message: "no",
      index: 1,
    },
    { kind: "reset-after", action: "CreateSnapshots", index: 3 },
  ]);
  const swept = await stage.sweep(["--only", "create"]);
  expect(swept.code, swept.stdout).toBe(1);
  expect(created(swept)).toEqual([
    `failed ${instanceId(2)}`,
    `created ${instanceId(6)}`,
    `created ${instanceId(1)}`,
  ]);
  expect(swept.unit(home).problems).toMatchObject([{ severity: "error", kind: "refused" }]);
  const again = await stage.sweep(["--only", "create"]);
  expect([again.code, created(again)]).toEqual([0, [`created ${instanceId(2)}`]]);
  expect(stage.calls().filter(({ action }) => action === "CreateSnapshots")).toHaveLength(4);
});

test("two sweeps at once make one point of each instance, though EC2 shows late what was made, and leave no mark", async () => {
  const late = Array.from({ length: 6 }, (_, index) => ({ number: index + 1, ages: [], tags: yes }));
  const scenario = fleetOf(late, { consistency: { seconds: 0.1 } });
  await using stage = await SweepStage.start(scenario, "{ create: {} }");
  const both = await Promise.all([1, 2].map(() => stage.sweep(["--only", "create"])));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const state = await stage.simulator.control.state();
  const points = Object.groupBy(Object.values(state.snapshots), ({ tags }) => tags[tagKeys.instance] ?? "");
  expect(Object.keys(points)).toHaveLength(6);
  for (const made of Object.values(points)) expect(made).toHaveLength(1);
  for (const { tags } of Object.values(state.instances)) expect(Object.keys(tags)).not.toContain(claimKey);
  const all = both.flatMap(({ unit }) => unit(home).create?.captured ?? []);
  expect(all.filter(({ outcome }) => outcome === "created")).toHaveLength(6);
}, 60_000);

test.concurrent("one that may not say what it is about to capture captures all the same, and tells it; what a dead one has left counts no more", async () => {
  const left = new Date(Date.now() - 3_600_000).toISOString();
  const scenario = fleetOf([{ number: 1, ages: [], tags: { ...yes, [claimKey]: `dead ${left}` } }]);
  await using stage = await SweepStage.start(scenario, "{ create: {} }");
  await stage.simulator.control.settings({ deny: [{ action: "ec2:CreateTags", standalone: true }] });
  const swept = await stage.sweep(["--only", "create"]);
  expect([swept.code, created(swept)], swept.stdout).toEqual([0, [`created ${instanceId(1)}`]]);
  expect(swept.unit(home).problems).toMatchObject([{ severity: "warning", kind: "denied" }]);
  const claimed = { [claimKey]: `another ${new Date().toISOString()}` };
  await stage.simulator.control.instances([
    { create: { id: instanceId(2), tags: { ...yes, ...claimed } } },
    { create: { id: instanceId(3), tags: yes } },
  ]);
  const beside = await stage.sweep(["--only", "create"]);
  expect(created(beside)).toContain(`claimed ${instanceId(2)}`);
}, 60_000);

test.concurrent("what a dead one has left goes from instances that are captured by then, and nothing that counts still", async () => {
  const before = (minutes: number) => `dead ${new Date(Date.now() - minutes * 60_000).toISOString()}`;
  const claimed = (value: string) => ({ ...yes, [claimKey]: value });
  const scenario = fleetOf([
    { number: 1, ages: [0], tags: claimed(before(60)) },
    { number: 2, ages: [0], tags: claimed(before(5)) },
    { number: 3, ages: [3], tags: yes },
  ]);
  await using stage = await SweepStage.start(scenario, "{ create: {} }");
  const left = async () => {
    const { instances } = await stage.simulator.control.state();
    return Object.values(instances).flatMap(({ id, tags }) => (tags[claimKey] === undefined ? [] : id));
  };
  await stage.sweep(["--only", "create", "--dry-run"]);
  expect(await left()).toEqual([1, 2].map(instanceId));
  const swept = await stage.sweep(["--only", "create"]);
  expect([swept.code, created(swept), await left()], swept.stdout).toEqual([
    0,
    [`created ${instanceId(3)}`],
    [instanceId(2)],
  ]);
}, 60_000);

test.concurrent("one that takes no further tag keeps no other from being claimed and captured", async () => {
  const full = Object.fromEntries(Array.from({ length: 48 }, (_, index) => [`Cost${index}`, "1"]));
  const scenario = fleetOf([
    { number: 1, ages: [], tags: { ...yes, ...full } },
    { number: 2, ages: [], tags: yes },
  ]);
  await using stage = await SweepStage.start(scenario, "{ create: {} }");
  const swept = await stage.sweep(["--only", "create"]);
  expect([swept.code, created(swept)], swept.stdout).toEqual([
    0,
    [1, 2].map((number) => `created ${instanceId(number)}`),
  ]);
  expect(swept.unit(home).problems).toMatchObject([{ severity: "warning", code: "TagLimitExceeded" }]);
  const { instances } = await stage.simulator.control.state();
  for (const { tags } of Object.values(instances)) expect(Object.keys(tags)).not.toContain(claimKey);
}, 60_000);

/** A sweep of which the claims of some instances are taken off as soon as they are written. */
async function claimless(stage: SweepStage, numbers: readonly number[], then: () => unknown) {
  const { control } = stage.simulator;
  const sweeping = stage.sweep(["--only", "create"]);
  for (let seen = 0; ; ) {
    const calls = await control.waitForCalls(seen, 20_000);
    seen = calls.at(-1)?.number ?? seen;
    if (calls.some(({ action, outcome }) => action === "CreateTags" && outcome !== null)) break;
    expect(calls.length).toBeGreaterThan(0);
  }
  await then();
  const tags = { [claimKey]: null };
  await control.instances(numbers.map((number) => ({ change: { instance: instanceId(number), tags } })));
  return sweeping;
}

test.concurrent("a claim that somebody has taken off is no other sweep's: what is overdue is captured", async () => {
  const scenario = fleetOf([1, 2].map((number) => ({ number, ages: [], tags: yes })));
  await using stage = await SweepStage.start(scenario, "{ create: {} }");
  const swept = await claimless(stage, [1, 2], () => undefined);
  expect([swept.code, created(swept)], swept.stdout).toEqual([
    0,
    [1, 2].map((number) => `created ${instanceId(number)}`),
  ]);
}, 60_000);

test.concurrent("what a sweep that has ended has captured is not captured again, though the first listings leave it out", async () => {
  const wish = { number: 1, tags: yes };
  const scenario = fleetOf([{ ...wish, ages: [3] }]);
  await using stage = await SweepStage.start(scenario, "{ create: {} }");
  const { control } = stage.simulator;
  const swept = await claimless(stage, [1], async () => {
    const { snapshots } = thingsOf([{ ...wish, ages: [0] }], Date.now());
    await control.snapshots(snapshots.map((create) => ({ create })));
    control.faults([{ kind: "partial-listing", action: "DescribeSnapshots", items: 2, count: 3 }]);
  });
  expect([swept.code, created(swept)], swept.stdout).toEqual([0, [`recent ${instanceId(1)}`]]);
  expect(await stage.points(home)).toHaveLength(2);
}, 60_000);

test.concurrent("one that is told to stop takes its claims off, so that the next one need not wait", async ({
  expect,
}) => {
  const scenario = fleetOf([1, 2].map((number) => ({ number, ages: [], tags: yes })));
  await using stage = await SweepStage.start(scenario);
  const { control } = stage.simulator;
  const claims = async () =>
    Object.values((await control.state()).instances).filter(({ tags }) => tags[claimKey] !== undefined)
      .length;
  // Long enough that it is told while it waits for others to see what it captures.
  await writeFile(
    stage.config,
    "version: 1\njobs: { default: { waits: { reconcileFor: 5m } } }\nsweep: { create: {} }\n",
    { mode: 0o600 },
  );
  const child = startSweep(stage, ["--only", "create"]);
  const ended = once(child, "exit");
  await expect.poll(claims, { timeout: 20_000 }).toBe(2);
  child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(await claims()).toBe(0);
  await stage.configure("{ create: {} }");
  const next = await stage.sweep(["--only", "create"]);
  expect([next.code, created(next)], next.stdout).toEqual([
    0,
    [1, 2].map((number) => `created ${instanceId(number)}`),
  ]);
}, 60_000);

test.concurrent("an account that two roles lead into is swept once, and no instance there captured twice", async () => {
  const second = `arn:aws:iam::${other}:role/ec2-backup-sweep-too`;
  const externalId = "Backups-4711";
  const roles = [role, second].map((arn) => ({ arn, externalId }));
  await using stage = await SweepStage.start(
    fleetOf([{ number: 1, ages: [], tags: yes, account: other }], { roles }),
  );
  const both = ["--role", role, "--role", second, "--external-id", externalId];
  const { code, report, stdout } = await stage.sweep(["--only", "create", ...both]);
  expect([code, report.units.map(({ unit }) => unit.id)], stdout).toEqual([0, [`${other}/eu-central-1`]]);
  expect(await stage.points(`${other}/eu-central-1`)).toHaveLength(1);
}, 60_000);
