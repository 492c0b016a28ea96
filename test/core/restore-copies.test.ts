import { expect, test } from "vitest";
import { encodeManifest } from "../../src/core/manifest.ts";
import { pointsOf } from "../../src/core/point-tags.ts";
import type { Snapshot } from "../../src/core/recovery-point.ts";
import { asCaptured, copyBack, isCopy, originsOf } from "../../src/core/restore-copies.ts";
import { pointAged } from "./page-facts.ts";

const hour = 3_600_000;
const asOf = new Date("2026-11-01T03:00:00Z");

/** The members of a point, with the manifest that its tags carry. */
function setOf(sizes: readonly number[]): readonly Snapshot[] {
  const [member] = pointAged(hour).snapshots;
  if (member === undefined) throw new Error("a point without snapshots");
  const volumes = sizes.map((size, index) => ({ id: `vol-0a${index}00000000000000`, size }));
  const recipe = encodeManifest(
    volumes.map(({ id, size }) => ({ volumeId: id, sizeGiB: size })),
    "full",
  );
  const captured = new Date(asOf.getTime() - 48 * hour).toISOString();
  const tags = {
    ...member.tags,
    "ec2-backup:point": "0193a1b2-c3d4-7000-8000-000000000001",
    "ec2-backup:captured": captured,
    ...Object.fromEntries(recipe.map((value, index) => [`ec2-backup:manifest.${index + 1}`, value])),
  };
  return volumes.map(({ id, size }, index) => ({
    ...member,
    id: `snap-0a${index}00000000000000`,
    volumeId: id,
    volumeSizeGiB: size,
    tags,
  }));
}

/** As they are in another Region: each started on its own, of a volume that is none. */
function copied(set: readonly Snapshot[]): readonly Snapshot[] {
  return set.map((one, index) => ({
    ...one,
    id: one.id.replace("0a", "0c"),
    volumeId: "vol-ffffffff",
    startTime: new Date(asOf.getTime() - index * 20 * 60_000),
    tags: { ...one.tags, Source_SnapshotId: one.id },
  }));
}

test("copies of a point are that point again while their origins are there", () => {
  const set = setOf([8, 8]);
  const copies = copied(set);
  expect(copies.every(isCopy) && !set.some(isCopy)).toBe(true);
  expect(originsOf(copies)).toEqual(set.map(({ id }) => id));
  const found = asCaptured(copies, set);
  expect(found.map(({ volumeId }) => volumeId)).toEqual(set.map(({ volumeId }) => volumeId));
  const [point] = pointsOf(found, asOf);
  expect(point?.holds).toEqual([]);
  expect(point?.captured.toISOString()).toBe(set[0]?.tags["ec2-backup:captured"]);
});

test("without their origins, sizes tell which is which, and where they do not each stands for itself", () => {
  const different = setOf([8, 20]);
  expect(asCaptured(copied(different), []).map(({ volumeId }) => volumeId)).toEqual(
    different.map(({ volumeId }) => volumeId),
  );
  const alike = copied(setOf([8, 8, 20]));
  expect(asCaptured(alike, []).map(({ volumeId }) => volumeId)).toEqual([
    alike[0]?.id,
    alike[1]?.id,
    "vol-0a200000000000000",
  ]);
});

test("what is no copy is left as it is", () => {
  const set = setOf([8, 8]);
  expect(asCaptured(set, [])).toEqual(set);
});

test("the command to bring one back names both Regions", () => {
  expect(copyBack(setOf([8]), "eu-west-1", "eu-central-1")).toEqual([
    "aws ec2 copy-snapshot --region eu-central-1 --source-region eu-west-1 --source-snapshot-id snap-0a000000000000000 --query SnapshotId --output text",
  ]);
});
