import fc from "fast-check";
import { expect, it } from "vitest";
import { type AdoptionGround, planAdoption, reasonsLeft } from "../../src/core/adopt.ts";
import { type ForeignTool, foreignTools } from "../../src/core/foreign-tools.ts";
import { pointsOf, tagKeys } from "../../src/core/point-tags.ts";
import { planRetention } from "../../src/core/retention.ts";
import type { ForeignSnapshot } from "../../src/core/sweep-ports.ts";
import { at, day, earlier, snapshot } from "./points.ts";

const now = at("2027-03-20T12:00");
const unit = { id: "123456789012/eu-central-1", account: "123456789012", region: "eu-central-1" };
const arn = "arn:aws:ec2:eu-central-1:123456789012:instance/i-0000000000000000a";
const tool = (id: string): ForeignTool => foreignTools.find((one) => one.id === id)!;

function made(age: number, wish: Partial<ForeignSnapshot> = {}): ForeignSnapshot {
  return {
    id: `snap-${age}`,
    volumeId: "vol-1",
    state: "completed",
    startTime: earlier(now, age * day),
    sizeGiB: 8,
    encrypted: false,
    tags: { CreatedBy: "AutomatedBackup" },
    ...wish,
  };
}

function ground(foreign: readonly ForeignSnapshot[]): AdoptionGround {
  const volume = {
    id: "vol-1",
    sizeGiB: 8,
    type: "gp3",
    encrypted: false,
    tags: {},
    attachedTo: "i-0000000000000000a",
  };
  return { unit, partition: "aws", instances: [], volumes: [volume], foreign };
}

const wish = { tool: tool("bash-snapshot"), run: "run", version: "1.0.0" };

it("takes over what the tool has made, each as a point of the series of its volume, kept as long as the tool would", () => {
  const { adopt, left } = planAdoption(ground([made(1), made(3), made(2, { tags: {} })]), wish);
  expect(left).toEqual([]);
  expect(adopt.map(({ snapshot: id, policy }) => [id, policy])).toEqual([
    ["snap-3", "within=7d zone=UTC demanded=crash delay=7d"],
    ["snap-1", "within=7d zone=UTC demanded=crash delay=7d"],
  ]);
  expect(adopt[1]?.tags).toMatchObject({
    "ec2-backup:point": "adopted-snap-1",
    "ec2-backup:series": `${arn}/adopted-vol-1`,
    "ec2-backup:instance": arn,
    "ec2-backup:adopted": "bash-snapshot",
  });
});

it("leaves what it cannot place, what is not complete, what has no room and what says no end, and tells why", () => {
  const lost = made(1, { id: "a", volumeId: "vol-gone" });
  const hinted = made(1, { id: "b", volumeId: "vol-gone", instanceHint: "i-0000000000000000b" });
  const plan = planAdoption(
    ground([lost, hinted, made(1, { id: "c", state: "pending" }), made(1, { id: "d", tagCount: 45 })]),
    wish,
  );
  expect(plan.adopt.map(({ snapshot: id }) => id)).toEqual(["b"]);
  expect(plan.adopt[0]?.tags[tagKeys.instance]).toMatch(/instance\/i-0000000000000000b$/);
  expect(reasonsLeft(plan)).toHaveLength(3);
  const monkey = made(1, { tags: {}, description: "BACKUP_MONKEY" });
  const other = { ...wish, tool: tool("backup-monkey") };
  expect(planAdoption(ground([monkey]), other).left[0]?.because).toContain("--retention");
  expect(
    planAdoption(ground([monkey]), { ...other, retention: { counts: { daily: 7 } } }).adopt,
  ).toHaveLength(1);
});

it("never takes over what AWS itself manages", () => {
  const foreign = [made(1, { tags: { "aws:backup:source-resource": "x" } })];
  expect(planAdoption(ground(foreign), { ...wish, tool: tool("aws-backup") }).adopt).toEqual([]);
});

it("makes points that retention thins by the rules that were given, and never the last of a volume", () => {
  const ages = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(ages, fc.integer({ min: 1, max: 12 }), (all, last) => {
      const foreign = all.map((age) => made(age));
      const { adopt } = planAdoption(ground(foreign), { ...wish, retention: { counts: { last } } });
      const points = pointsOf(
        adopt.map(({ snapshot: id, captured, tags }) => snapshot({ id, startTime: captured, tags })),
        now,
      );
      expect(points.map(({ state }) => state)).toEqual(adopt.map(() => "complete"));
      const policy = points[0]?.policy;
      if (typeof policy !== "object") throw new Error("it records a policy");
      const kept = planRetention(points, policy, now).keep.map(({ point }) => point.snapshots[0]?.id);
      const newest = all.toSorted((a, b) => a - b).slice(0, last);
      expect(kept).toEqual(newest.map((age) => `snap-${age}`));
    }),
  );
});
