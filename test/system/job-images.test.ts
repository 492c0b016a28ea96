import { expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { temporaryTag } from "../../src/core/temporary-tag.ts";
import type { Run } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { instance, scenarioOf } from "./history.ts";
import { expectNoLeak, expectSound, ImageStage, imageOf, living, pointsOf } from "./image-stage.ts";
import { asked, govern, ofPolicy, policiesOfAgent, policyNamed, superfluous, without } from "./policies.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`images of a job: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

const january = "monthly 2027-01";
const errors = (run: Run) => run.report.problems.filter(({ severity }) => severity === "error");

test("one image a period is made, in one call that never reboots, and costs other runs one question", async () => {
  await using stage = await ImageStage.start();
  const { bench, control } = stage;
  const before = stage.lastCall();
  const first = await bench.run();
  expect([first.code, first.report.outcome], first.stderr).toEqual([0, "done"]);
  const made = imageOf(first);
  expect(made).toMatchObject({ period: january, outcome: "made" });
  expect(stage.callsSince(before).map(({ action }) => action)).toEqual([
    ...["DescribeInstances", "DescribeVolumes"].sort(),
    "CreateSnapshots",
    "DescribeSnapshots",
    "DescribeImages",
    "CreateImage",
    "PutMetricData",
  ]);

  const [call] = bench.apiCalls().filter(({ action }) => action === "CreateImage");
  const sent = call?.parameters as Record<string, unknown>;
  expect(sent).toMatchObject({
    InstanceId: instance.id,
    Name: `ec2-backup ${instance.id} default ${january}`,
    NoReboot: true,
    BlockDeviceMapping: [],
  });
  const specifications = sent["TagSpecification"] as {
    ResourceType: string;
    Tag: { Key: string; Value: string }[];
  }[];
  expect(specifications.map(({ ResourceType }) => ResourceType)).toEqual(["image", "snapshot"]);
  const [ofImage, ofSnapshots] = specifications.map(({ Tag }) =>
    Object.fromEntries(Tag.map(({ Key, Value }) => [Key, Value])),
  );
  expect(ofImage).toEqual(ofSnapshots);
  expect(ofImage).toMatchObject({
    [tagKeys.point]: made?.point,
    [tagKeys.image]: january,
    [tagKeys.instance]: instance.arn,
    [tagKeys.series]: `${instance.arn}/default`,
    [tagKeys.consistency]: "crash",
  });
  const [regular] = first.report.points;
  expect(regular?.id).not.toBe(made?.point);

  await bench.tomorrow();
  const then = stage.lastCall();
  const second = await bench.run();
  expect(second.code, second.stderr).toBe(0);
  expect(imageOf(second)).toMatchObject({ period: january, outcome: "there", image: made?.image });
  expect(
    stage
      .callsSince(then)
      .map(({ action }) => action)
      .filter((one) => /Image/.test(one)),
  ).toEqual(["DescribeImages"]);
  const state = await control.state();
  expectNoLeak(state);
  expect([...living(state).keys()]).toEqual([january]);
  const series = (second.report as unknown as { series: { complete: number } }).series;
  expect(series.complete, "points of images do not count").toBe(1);
});

test("volumes that the job leaves out, and copies for a look, are left out by their devices", async () => {
  const scenario = scenarioOf(4, 0, { limits: false });
  await using stage = await ImageStage.start(
    {
      volumes: (scenario.volumes ?? []).map((volume, index) =>
        index === 2 ? { ...volume, tags: { [temporaryTag]: "2030-01-01T00:00:00Z" } } : volume,
      ),
    },
    "{ last: 1 }, image: weekly, volumes: { exclude: [{ device: /dev/sdad }] }",
  );
  const run = await stage.bench.run();
  expect(run.code, run.stderr).toBe(0);
  expect(imageOf(run)).toMatchObject({ period: "weekly 2027-01-04", outcome: "made" });
  const [call] = stage.bench.apiCalls().filter(({ action }) => action === "CreateImage");
  expect(call?.parameters).toMatchObject({
    NoReboot: true,
    BlockDeviceMapping: [
      { DeviceName: "/dev/sdac", NoDevice: "" },
      { DeviceName: "/dev/sdad", NoDevice: "" },
    ],
  });
  const state = await stage.control.state();
  const [image] = [...living(state).values()].flat();
  expect(Object.keys(image?.snapshots ?? {}).sort()).toEqual(["/dev/sdab", "/dev/xvda"]);
});

test("a job whose root volume is left out by a tag makes no image, and says so", async () => {
  const scenario = scenarioOf(2, 0, { limits: false });
  await using stage = await ImageStage.start({
    volumes: (scenario.volumes ?? []).map((volume, index) =>
      index === 0 ? { ...volume, tags: { Backup: "no" } } : volume,
    ),
  });
  const run = await stage.bench.run();
  expect([run.code, run.report.outcome, run.report.points.length]).toEqual([1, "degraded", 1]);
  expect(errors(run)).toMatchObject([{ found: expect.stringContaining("root volume is left out") }]);
  expect(stage.bench.apiCalls().map(({ action }) => action)).not.toContain("CreateImage");
});

test("the job's rules thin images by themselves: the image goes first, then its snapshots", async () => {
  await using stage = await ImageStage.after(2);
  const before = await stage.control.state();
  const from = stage.lastCall();
  const run = await stage.bench.run();
  expect(run.code, run.stderr).toBe(0);
  const after = await stage.control.state();
  expect([...living(after).keys()]).toEqual(["monthly 2027-02", "monthly 2027-03"]);
  expectNoLeak(after);
  expect(
    stage
      .callsSince(from)
      .map(({ action }) => action)
      .slice(-11),
  ).toEqual([
    "DescribeImages",
    "CreateImage",
    "DescribeImages",
    "DescribeImages",
    "DescribeLockedSnapshots",
    "DescribeImageAttribute",
    "DescribeImages",
    "DeregisterImage",
    "DeleteSnapshot",
    "DeleteSnapshot",
    "PutMetricData",
  ]);
  const [gone] = [...living(before).values()].flat();
  expect(imageOf(run)?.retention?.removals).toMatchObject([
    { snapshotId: gone?.id, image: true, outcome: "removed" },
    { outcome: "removed" },
    { outcome: "removed" },
  ]);
  const listed = await stage.bench.execute(["list", "--config", stage.bench.config]);
  expect(listed.stdout).toContain("2 points, 1 complete; beside them 2 of images");
  expect(listed.stdout).toContain(`image ${[...living(after).values()].flat()[0]?.id}`);
  const [kept = ""] = [...pointsOf(after, true).keys()];
  const explained = await stage.bench.execute(["explain", kept, "--config", stage.bench.config]);
  expect(explained.stdout).toMatch(/image {8}ami-[0-9a-f]+, made for monthly 2027-02/);
  expect(explained.stdout).toContain("last 1");
  const offered = await stage.bench.execute(["restore", "list", "--config", stage.bench.config]);
  expect(offered.stdout).toContain("crash image");
  const page = await stage.bench.execute(["report", "--format", "md", "--config", stage.bench.config]);
  expect(page.stdout.replace(/\s+/g, " ")).toContain("2 of images are no part of this page");
});

test("images of a job that makes none any more go by its rules, and plan says what would", async () => {
  await using stage = await ImageStage.after(3);
  const planned = await stage.bench.plan();
  expect(imageOf(planned)).toMatchObject({ period: "monthly 2027-04", outcome: "due" });
  expect(stage.bench.apiCalls().map(({ action }) => action)).not.toContain("CreateImage");
  await stage.bench.configure({}, "{ last: 1 }");
  const plan = await stage.bench.plan();
  expect(imageOf(plan)).toMatchObject({
    outcome: "none",
    retention: { remove: [{ image: { period: "monthly 2027-02" } }, { image: { period: january } }] },
  });
  expect(living(await stage.control.state()).size, "a plan removes nothing").toBe(3);
  const run = await stage.bench.run();
  expect(run.code, run.stderr).toBe(0);
  const after = await stage.control.state();
  expect([...living(after).keys()]).toEqual(["monthly 2027-03"]);
  expectNoLeak(after);
});

type Change = Parameters<ImageStage["control"]["images"]>[0];

const holds: [string, (image: string, snapshot: string) => Change, RegExp][] = [
  [
    "protected from deregistration",
    (image) => ({ change: { image, deregistrationProtection: true } }),
    /protected/,
  ],
  ["shared with another account", (image) => ({ change: { image, sharedWith: ["444455556666"] } }), /shared/],
  ["disabled", (image) => ({ change: { image, state: "disabled" } }), /is disabled/],
  [
    "beside another image of the same snapshots",
    (_, snapshot) => ({ create: { id: "ami-0fa000000000000ff", snapshots: { "/dev/xvda": snapshot } } }),
    /used by ami-0fa000000000000ff/,
  ],
];

test.each(shuffled(holds, chanceOf(seed)).slice(0, soak ? undefined : 1))(
  "an image that is %s stays with all its snapshots, and that is shown",
  async (_what, change, why) => {
    await using stage = await ImageStage.after(2);
    const before = await stage.control.state();
    const [image] = living(before).get(january) ?? [];
    const [snapshot = ""] = Object.values(image?.snapshots ?? {});
    await stage.control.images(change(image?.id ?? "", snapshot));
    const run = await stage.bench.run();
    expect(run.code, run.stderr).toBe(0);
    const after = await stage.control.state();
    expect(
      living(after)
        .get(january)
        ?.map(({ id }) => id),
    ).toEqual([image?.id]);
    expect(pointsOf(after, true)).toEqual(new Map([...pointsOf(before, true), ...pointsOf(after, true)]));
    const held = imageOf(run)?.retention?.keep.find(({ point }) => point.image?.id === image?.id);
    expect(held?.reasons.join()).toMatch(why);
  },
);

test("what only looks like an image of the job is never taken away", async () => {
  await using stage = await ImageStage.after(2);
  const before = await stage.control.state();
  const [image] = living(before).get(january) ?? [];
  // A copy with all tags, as CopyImage makes it: of other snapshots and another name, and no instance made it.
  await stage.control.snapshots({ create: { id: "snap-0fa000000000000ff", volumeId: "vol-ffffffff" } });
  const copy = { id: "ami-0fa000000000000ff", name: "golden", tags: image?.tags ?? {} };
  await stage.control.images({ create: { ...copy, snapshots: { "/dev/xvda": "snap-0fa000000000000ff" } } });
  const run = await stage.bench.run();
  expect(run.code, run.stderr).toBe(0);
  const after = await stage.control.state();
  expect(after.images["ami-0fa000000000000ff"]?.state).toBe("available");
  expect(living(after).has(january)).toBe(false);
  expectNoLeak(after);

  // The job's own, whose tags somebody took: it can be proven no more, so it stays, and so do its snapshots.
  await using other = await ImageStage.after(2);
  const [mine] = living(await other.control.state()).get(january) ?? [];
  await other.control.images({ change: { image: mine?.id ?? "", tags: { [tagKeys.instance]: null } } });
  const next = await other.bench.run();
  expect(next.code, next.stderr).toBe(0);
  const left = await other.control.state();
  expect(left.images[mine?.id ?? ""]?.state).toBe("available");
  for (const id of Object.values(mine?.snapshots ?? {})) expect(left.snapshots).toHaveProperty([id]);
});

/** With its snapshots, or by itself when they are good already. */
const failures: [string, (stage: ImageStage, run: () => Promise<Run>) => Promise<Run>][] = [
  [
    "while it is made",
    (stage, run) => {
      stage.control.faults([{ kind: "partial", action: "CreateImage" }]);
      return run();
    },
  ],
  [
    "with good snapshots",
    async (stage, run) => {
      const first = await run();
      await stage.control.clock({ advance: "10m" });
      await stage.control.images({ change: { image: imageOf(first)?.image, state: "failed" } });
      return first;
    },
  ],
];

test.each(shuffled(failures, chanceOf(seed)).slice(0, soak ? undefined : 1))(
  "an image that fails %s is told, is made again by the next run, and is cleaned up",
  async (_how, failing) => {
    await using stage = await ImageStage.start();
    const first = await failing(stage, () => stage.bench.run());
    expect(first.code, "it has not failed yet").toBe(0);
    await stage.bench.tomorrow();
    const second = await stage.bench.run();
    expect([second.code, second.report.outcome, second.report.points.length]).toEqual([1, "degraded", 1]);
    expect(errors(second)).toMatchObject([{ code: expect.stringMatching(/ImageFailed|SnapshotError/) }]);
    expect(imageOf(second)).toMatchObject({ period: january, outcome: "made" });
    expectSound(await stage.control.state());
    await stage.bench.tomorrow();
    // What failed is taken away as soon as there is something better; until then it may be all there is.
    const third = await stage.bench.run();
    expect(imageOf(third), third.stderr).toMatchObject({ outcome: "there", image: imageOf(second)?.image });
    await stage.bench.tomorrow();
    expect((await stage.bench.run()).code).toBe(0);
    const after = await stage.control.state();
    expect(
      living(after)
        .get(january)
        ?.map(({ state }) => state),
    ).toEqual(["available"]);
    expectNoLeak(after);
  },
);

test("a name that somebody else's image has is told, and another one is taken", async () => {
  await using stage = await ImageStage.start();
  const name = `ec2-backup ${instance.id} default ${january}`;
  await stage.control.images({ create: { id: "ami-0fa000000000000ff", name, snapshots: {} } });
  const run = await stage.bench.run();
  expect(run.code, run.stderr).toBe(0);
  const told = run.report.problems.filter(({ code }) => code !== "ClockSkew");
  expect(told).toMatchObject([{ severity: "warning", code: "NameTaken" }]);
  expect(imageOf(run)?.outcome).toBe("made");
  const after = await stage.control.state();
  expect(
    living(after)
      .get(january)
      ?.map((image) => image.name),
  ).toEqual([`${name} (2)`]);
  expect(after.images["ami-0fa000000000000ff"]?.state).toBe("available");
});

test("EC2's interval between two snapshots of a volume is waited out", async () => {
  await using stage = await ImageStage.start({ limits: true }, undefined, {
    retryFor: "20s",
    retryEvery: "200ms",
  });
  const running = stage.bench.run();
  for (let seen = 0; ; ) {
    const calls = await stage.control.waitForCalls(seen, 20_000);
    if (calls.some(({ outcome }) => outcome?.code === "SnapshotCreationPerVolumeRateExceeded")) break;
    seen = Math.max(seen, ...calls.map(({ number }) => number));
  }
  await stage.control.clock({ advance: "16s" });
  const run = await running;
  expect(run.code, run.stderr).toBe(0);
  expect(imageOf(run)?.outcome).toBe("made");
});

test("the policy beside the role's is enough and needed, and the regular point is good without it", async () => {
  await using stage = await ImageStage.after(1);
  const role = await policiesOfAgent();
  const more = await policyNamed("image");
  await govern(stage.bench.simulator, role);
  const denied = await stage.bench.run();
  expect([denied.code, denied.report.outcome, denied.report.points.length]).toEqual([1, "degraded", 1]);
  expect(errors(denied)).toMatchObject([
    {
      kind: "denied",
      found: expect.stringContaining("ec2:CreateImage"),
      remedy: expect.stringContaining("policies/image.json"),
    },
  ]);
  await govern(stage.bench.simulator, [...role, more]);
  await stage.nextMonth();
  const allowed = await stage.bench.run();
  expect([allowed.code, imageOf(allowed)?.outcome], allowed.stderr).toEqual([0, "made"]);
  await stage.nextMonth();
  const needed = ["ec2:DeregisterImage", "ec2:DescribeImageAttribute"];
  for (const action of shuffled(needed, chanceOf(seed)).slice(0, soak ? undefined : 1)) {
    await govern(stage.bench.simulator, [...role, without(more, action)]);
    const run = await stage.bench.run();
    expect([run.code, imageOf(run)?.outcome], action).toEqual([1, "made"]);
    expect(JSON.stringify(errors(run)), action).toContain(action);
    expectSound(await stage.control.state());
    await govern(stage.bench.simulator, [...role, more]);
    await stage.nextMonth();
  }
  const next = await stage.bench.run();
  expect(next.code, next.stderr).toBe(0);
  expectNoLeak(await stage.control.state());
  expect(superfluous([...role, more], asked(stage.bench.simulator)).filter(ofPolicy(more))).toEqual([]);
});

test("an image that EC2 does not show yet is not made twice", async () => {
  await using stage = await ImageStage.start({ consistency: { seconds: 3_600 } });
  const first = await stage.bench.run();
  expect([first.code, imageOf(first)?.outcome], first.stderr).toEqual([0, "made"]);
  const second = await stage.bench.run();
  expect([second.code, imageOf(second)?.outcome], second.stderr).toEqual([1, "not-made"]);
  expect(errors(second)).toMatchObject([
    { code: "UnknownOutcome", remedy: expect.stringContaining("the next run") },
  ]);
  await stage.bench.tomorrow();
  const third = await stage.bench.run();
  expect(third.code, third.stderr).toBe(0);
  expect(imageOf(third)).toMatchObject({ outcome: "there", image: imageOf(first)?.image });
  expectNoLeak(await stage.control.state());
});

test("a lost answer makes no second image, and what a run leaves of an image is finished by the next", async () => {
  await using stage = await ImageStage.after(2);
  stage.control.faults([
    { kind: "reset-after", action: "CreateImage" },
    {
      kind: "error",
      action: "DeleteSnapshot",
      skip: 2,
      count: "always",
      code: "InvalidSnapshot.InUse",
      status: 400,
    },
  ]);
  const run = await stage.bench.run();
  stage.control.clearFaults();
  expect([run.code, imageOf(run)?.outcome], run.stderr).toEqual([0, "made"]);
  expect(imageOf(run)?.retention?.removals.map(({ outcome }) => outcome)).toEqual([
    "removed",
    "held",
    "left",
  ]);
  const halfway = await stage.control.state();
  expectSound(halfway);
  expect([...living(halfway).keys()]).toEqual(["monthly 2027-02", "monthly 2027-03"]);
  expect(() => expectNoLeak(halfway), "its snapshots are left").toThrow();
  const created = stage.bench.apiCalls().filter(({ action }) => action === "CreateImage");
  expect(created).toHaveLength(2);
  await stage.bench.tomorrow();
  const next = await stage.bench.run();
  expect(next.code, next.stderr).toBe(0);
  expectNoLeak(await stage.control.state());
});
