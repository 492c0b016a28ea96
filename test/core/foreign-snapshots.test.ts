import { expect, test } from "vitest";
import { judgeForeign } from "../../src/core/foreign-snapshots.ts";

const now = new Date("2026-11-21T12:00:00Z");
const ago = (days: number): Date => new Date(now.getTime() - days * 86_400_000);
const seed = { Type: "Automated", DeleteOn: "2026-12-01" };
const judged = (tags: Record<string, string>, days = 1): number =>
  judgeForeign([{ volumeId: "vol-1", startTime: ago(days), tags }], "ec2-backup:point", now).length;

test("our own points are nobody else's, also where they carry the marks of another dialect", () => {
  expect(judged(seed)).toBe(1);
  expect(judged({ ...seed, "ec2-backup:point": "x" })).toBe(0);
});

test("what was made by hand, or long ago, tells of no tool", () => {
  expect(judged({ Name: "by hand" })).toBe(0);
  expect(judged({ "aws:dlm:lifecycle-policy-id": "x" }, 13)).toBe(1);
  expect(judged({ "aws:dlm:lifecycle-policy-id": "x" }, 15)).toBe(0);
});
