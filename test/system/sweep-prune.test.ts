import { DeleteSnapshotCommand, EC2Client } from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import {
  fleetOf,
  instanceId,
  lastOnes,
  other,
  own,
  pointId,
  role,
  type SeriesWish,
  SweepStage,
  snapshotId,
  volumeId,
} from "./sweep-stage.ts";

const credentials = { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" };
const home = `${own}/eu-central-1`;
const west = `${own}/eu-west-1`;
const theirs = `${other}/eu-central-1`;
const everywhere = `{ regions: [eu-central-1, eu-west-1], accounts: [self, { role: "${role}", externalId: Backups-4711, name: shop }], unitDeadline: 20s }`;

/** Two points of each go: they are beyond the last four, and old enough. */
const ages = [1, 2, 3, 4, 30, 31];
const fleet: readonly SeriesWish[] = [
  { number: 1, ages },
  { number: 2, ages, region: "eu-west-1", volumes: 3 },
  { number: 3, ages, account: other },
];
const old = (number: number) => [30, 31].map((age) => pointId(number, age));

describe("a sweep of several accounts and Regions", () => {
  test.concurrent("removes in each what the points' own policies give up, from a computer that is no instance", async () => {
    await using stage = await SweepStage.start(fleetOf(fleet), everywhere);
    const before = await stage.points();
    const planned = await stage.sweep(["--dry-run"]);
    // One unit is denied: the other account has no such Region.
    expect([planned.code, await stage.points()], planned.stderr).toEqual([1, before]);
    expect(planned.unit(west).prune).toMatchObject({ series: 1, points: 6, snapshots: 18 });

    const swept = await stage.sweep();
    expect(swept.code, swept.stdout + swept.stderr).toBe(1);
    expect(swept.unit(home)).toMatchObject({ outcome: "done", prune: { removedSnapshots: 2 } });
    expect(swept.unit(west)).toMatchObject({ outcome: "done", prune: { removedSnapshots: 6 } });
    expect(swept.unit(theirs)).toMatchObject({ outcome: "done", unit: { name: "shop" } });
    expect(swept.unit(`${other}/eu-west-1`)).toMatchObject({ outcome: "denied" });
    const gone = [1, 2, 3].flatMap(old);
    expect(
      planned.report.units.flatMap((one) => one.prune?.details.flatMap(({ removed }) => removed)),
    ).toEqual(expect.arrayContaining(gone));
    expect(await stage.points(home)).not.toEqual(expect.arrayContaining(old(1).slice(0, 1)));

    const audit = await stage.audit();
    expect(audit.filter(({ outcome }) => outcome === "removed")).toHaveLength(10);
    expect(audit).toContainEqual(
      expect.objectContaining({
        unit: theirs,
        snapshot: snapshotId(3, 31),
        outcome: "removing",
        point: pointId(3, 31),
      }),
    );
    const again = await stage.sweep();
    expect(again.report.units.flatMap(({ prune }) => prune?.details ?? [])).toEqual([]);
  });

  test.concurrent("one that hangs, is denied or throttled delays no other", async () => {
    await using stage = await SweepStage.start(
      fleetOf(fleet),
      everywhere.replace("unitDeadline: 20s", "unitDeadline: 6s"),
    );
    stage.simulator.control.faults([
      { kind: "hang", service: "ec2", region: "eu-west-1", account: own, count: "always" },
      { kind: "denied", service: "ec2", action: "DescribeSnapshots", account: other, count: "always" },
    ]);
    const swept = await stage.sweep();
    expect(swept.code).toBe(1);
    expect(swept.unit(home)).toMatchObject({ outcome: "done", prune: { removedSnapshots: 2 } });
    expect(swept.unit(home).ms).toBeLessThan(6_000);
    expect(swept.unit(west)).toMatchObject({ outcome: "late", problems: [{ severity: "error" }] });
    expect(swept.unit(theirs)).toMatchObject({ outcome: "denied", problems: [{ kind: "denied" }] });
  });

  test.concurrent("a removal that EC2 does not answer keeps nothing from being told that was removed before", async () => {
    await using stage = await SweepStage.start(
      fleetOf([{ number: 1, ages: [1, 20, 21, 22, 23, 24, 25, 26] }]),
    );
    await stage.configure("{ unitDeadline: 5s }", "60s");
    stage.simulator.control.faults([{ kind: "hang", action: "DeleteSnapshot", skip: 1, count: "always" }]);
    const { code, unit, stdout } = await stage.sweep(["--only", "prune"]);
    expect([code, unit(home).outcome], stdout).toEqual([1, "late"]);
    expect(unit(home).prune).toMatchObject({ removedSnapshots: 1, details: [{ removed: [pointId(1, 26)] }] });
    expect(unit(home).problems).toContainEqual(
      expect.objectContaining({ kind: "interrupted", doing: `delete ${snapshotId(1, 25)}` }),
    );
    expect((await stage.audit()).slice(-2)).toMatchObject([
      { snapshot: snapshotId(1, 25), outcome: "removing" },
      { snapshot: snapshotId(1, 25), outcome: "failed" },
    ]);
  });

  test.concurrent("nor does one that is named first, where whose credentials these are would be asked", async () => {
    const waiting = everywhere.replace("unitDeadline: 20s", "unitDeadline: 6s");
    const first = waiting.replace("eu-central-1, eu-west-1", "eu-west-1, eu-central-1");
    await using stage = await SweepStage.start(fleetOf(fleet), first);
    stage.simulator.control.faults([{ kind: "hang", region: "eu-west-1", count: "always" }]);
    const swept = await stage.sweep();
    expect([swept.code, swept.unit(home).outcome, swept.unit(theirs).outcome], swept.stderr).toEqual([
      1,
      "done",
      "done",
    ]);
    expect(swept.unit(west).outcome).toBe("late");
  });

  test.concurrent("where nothing could be done, the code says why", async () => {
    await using stage = await SweepStage.start(fleetOf(fleet), "{}");
    stage.simulator.control.faults([{ kind: "denied", service: "ec2", count: "always" }]);
    expect((await stage.sweep()).code).toBe(77);
    const noRole = await stage.sweep(["--role", role]);
    expect(noRole.code, noRole.stdout).toBe(77);
    expect(noRole.unit(theirs).problems).toEqual([
      expect.objectContaining({
        kind: "denied",
        doing: `take on the role ${role}`,
        remedy: expect.stringMatching(/trust policy .* external id/),
      }),
    ]);
    expect((await stage.sweep([], { AWS_REGION: "" })).code).toBe(64);
  });

  test.concurrent("every Region that an account has enabled", async () => {
    await using stage = await SweepStage.start(fleetOf(fleet), "{}");
    const swept = await stage.sweep(["--all-regions"]);
    expect(swept.report.units.map(({ unit, outcome }) => [unit.id, outcome])).toEqual([
      [home, "done"],
      [west, "done"],
    ]);
  });
});

describe("a sweep of one unit", () => {
  test.concurrent("leaves what the tag keeps, what has no policy, what is held and what is none of ours", async () => {
    const scenario = fleetOf([
      { number: 1, ages, tags: { Retention: "last=6" } },
      { number: 2, ages, tags: { Retention: "rubbish" } },
      { number: 3, ages, marks: { "ec2-backup:retention": "rubbish" } },
      { number: 4, ages, marks: { KeepForever: "yes" } },
      { number: 5, ages },
      { number: 6, ages },
    ]);
    await using stage = await SweepStage.start({
      ...scenario,
      snapshots: [
        ...(scenario.snapshots ?? []),
        {
          id: "snap-0aaaaaaaaaaaaaaaa",
          volumeId: volumeId(1),
          startTime: "2020-01-01T00:00:00Z",
          tags: { Name: "by hand" },
        },
      ],
      images: [{ id: "ami-0aaaaaaaaaaaaaaaa", snapshots: { "/dev/xvda": snapshotId(5, 31) } }],
    });
    const before = await stage.points();
    const swept = await stage.sweep();
    expect(swept.code, swept.stdout).toBe(0);
    const now = await stage.points();
    expect(before.filter((id) => !now.includes(id)).sort()).toEqual([pointId(5, 30), ...old(6)].sort());
    expect(swept.unit(home).problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(swept.unit(home).problems).toEqual([
      expect.objectContaining({ code: "NoPolicy", severity: "warning" }),
    ]);
    const { snapshots } = await stage.simulator.control.state();
    expect(snapshots["snap-0aaaaaaaaaaaaaaaa"]).toBeDefined();
  });

  test.concurrent("the last points of what is gone: those of a group after 30 days, others where it is said", async () => {
    const gone = { state: "gone" as const, ages: [40, 41, 42] };
    const wishes: readonly SeriesWish[] = [
      { ...gone, number: 1, group: "web" },
      { ...gone, number: 2 },
      { ...gone, number: 3, group: "web", volumesLeft: true },
      { ...gone, number: 4, group: "web", ages: [20, 21, 22] },
      { ...gone, number: 5, group: "web", state: "stopped" },
      { ...gone, number: 6, state: "terminated", group: "web" },
    ];
    await using stage = await SweepStage.start(fleetOf(wishes));
    const all = (number: number, days = gone.ages) => days.map((age) => pointId(number, age));
    const swept = await stage.sweep();
    expect(swept.code, swept.stdout).toBe(0);
    const rest = [...all(2), ...all(3), ...all(4, [20, 21, 22]), ...all(5)].sort();
    expect(await stage.points()).toEqual(rest);
    await stage.configure("{ prune: { expireLastAfter: 30d, expireLastAfterOfGroups: never } }");
    await stage.sweep();
    expect(await stage.points()).toEqual(rest.filter((id) => !all(2).includes(id)));
  });

  test.concurrent("replacements in a group are one series by group or by name where that is said, each by itself where not", async () => {
    const member = { group: "web", policy: lastOnes(3) };
    const wishes: readonly SeriesWish[] = [
      { ...member, number: 1, ages: [20, 21, 22], name: "web-a", state: "gone" },
      { ...member, number: 2, ages: [8, 9], name: "web-a" },
      { ...member, number: 3, ages: [12, 13], name: "web-b" },
      // In no group, a name makes no series.
      { number: 4, ages: [20, 21, 22], name: "web-a", policy: lastOnes(3), state: "gone" },
    ];
    await using stage = await SweepStage.start(fleetOf(wishes));
    const going = async (seriesOfGroups: string) => {
      await stage.configure(`{ prune: { seriesOfGroups: ${seriesOfGroups} } }`);
      const { code, stdout, unit } = await stage.sweep(["--dry-run"]);
      expect(code, stdout).toBe(0);
      const details = unit(home).prune?.details ?? [];
      return details.flatMap(({ series, removed }) => removed.map((id) => `${series}: ${id}`)).sort();
    };
    expect(await going("instance")).toEqual([]);
    // The last of each machine's volumes stays, since it has not expired.
    const byName = [21, 22].map((age) => `name web-a/default: ${pointId(1, age)}`);
    expect(await going("name")).toEqual(byName);
    const byGroup = [pointId(1, 21), pointId(1, 22), pointId(3, 13)];
    expect(await going("group")).toEqual(byGroup.map((id) => `group web/default: ${id}`).sort());
  });

  test.concurrent("a listing that ends early decides nothing", async () => {
    const wishes = [{ number: 1, ages: [40, 41, 42], state: "gone" as const, group: "web" }];
    await using stage = await SweepStage.start(fleetOf(wishes));
    const before = await stage.points();
    for (const action of ["DescribeInstances", "DescribeVolumes", "DescribeSnapshots"]) {
      stage.simulator.control.faults([{ kind: "truncated", action, count: "always" }], true);
      const swept = await stage.sweep();
      expect(swept.code, swept.stdout).toBe(69);
      expect(await stage.points()).toEqual(before);
    }
  });

  test.concurrent("the brake leaves the newer ones to later sweeps, and --yes releases it", async () => {
    const wishes = [
      { number: 1, ages: Array.from({ length: 20 }, (_, index) => (index < 6 ? index + 1 : index + 2)) },
    ];
    await using stage = await SweepStage.start(fleetOf(wishes));
    const first = await stage.sweep();
    expect(first.code).toBe(1);
    expect(first.unit(home)).toMatchObject({ outcome: "partly", problems: [{ code: "Brake" }] });
    expect(first.unit(home).prune?.details[0]).toMatchObject({ postponed: 10 });
    expect(first.unit(home).prune?.details[0]?.removed).toEqual(
      [21, 20, 19, 18].map((age) => pointId(1, age)),
    );
    const second = await stage.sweep(["--yes"]);
    expect(second.code).toBe(0);
    // Younger than a week stays, whatever a count says.
    expect(await stage.points()).toEqual([1, 2, 3, 4, 5, 6].map((age) => pointId(1, age)));
  });

  test.concurrent("in two steps: marked, and removed by a sweep after the wait; kept again, the mark goes", async () => {
    const scenario = fleetOf([
      { number: 1, ages },
      { number: 2, ages },
    ]);
    await using stage = await SweepStage.start(scenario, "{ prune: { mark: 20h } }");
    const before = await stage.points();
    const doomed = async () => {
      const { snapshots } = await stage.simulator.control.state();
      return Object.values(snapshots)
        .filter(({ tags }) => tags["ec2-backup:doomed"] !== undefined)
        .map(({ id }) => id)
        .sort();
    };
    const marked = (number: number) => [30, 31].map((age) => snapshotId(number, age));
    expect((await stage.sweep()).code).toBe(0);
    expect([await doomed(), await stage.points()]).toEqual([[...marked(1), ...marked(2)].sort(), before]);
    await stage.simulator.control.clock({ advance: "19h" });
    const waiting = await stage.sweep();
    expect(waiting.unit(home).prune?.details).toMatchObject([{ waiting: 2, removed: [] }, { waiting: 2 }]);

    await stage.simulator.control.instances({
      change: { instance: instanceId(2), tags: { Retention: "last=9" } },
    });
    await stage.simulator.control.clock({ advance: "2h" });
    const swept = await stage.sweep();
    expect(swept.code, swept.stdout).toBe(0);
    expect(await doomed()).toEqual([]);
    expect(await stage.points()).toEqual(before.filter((id) => !old(1).includes(id)));
  });

  test.concurrent("what somebody else has removed meanwhile keeps the mark from none of the others", async () => {
    const fleet = fleetOf([{ number: 1, ages }], { consistency: { seconds: 600 } });
    await using stage = await SweepStage.start(fleet, "{ prune: { mark: 20h } }");
    const ec2 = new EC2Client({ endpoint: stage.simulator.url, region: "eu-central-1", credentials });
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshotId(1, 31) }));
    ec2.destroy();
    const swept = await stage.sweep();
    expect(swept.code, swept.stdout).toBe(0);
    const { snapshots } = await stage.simulator.control.state();
    const doomed = Object.values(snapshots).filter(({ tags }) => tags["ec2-backup:doomed"] !== undefined);
    expect(doomed.map(({ id }) => id)).toEqual([snapshotId(1, 30)]);
  });
});
