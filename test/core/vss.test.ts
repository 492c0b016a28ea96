import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { copyTag } from "../../src/core/copy-target.ts";
import { tagKeys, tagsOf } from "../../src/core/point-tags.ts";
import { copiedFrom, copyKeys } from "../../src/core/restore-copies.ts";
import { idBesideVss, isAppConsistent, tagsForVss } from "../../src/core/vss.ts";
import { at, day, instance, job, policy, volumes } from "./points.ts";

test("two braces are never handed to Systems Manager, which would put something in their place", () => {
  const tags = { Secret: "{{ssm:password}}", "{{key}}": "x", One: "{ssm:password}", Two: "}}{" };
  const { text, later, lost } = tagsForVss(tags);
  expect(text).toBe("Key=One,Value={ssm:password};Key=Two,Value=}}{");
  expect(later).toEqual({ Secret: "{{ssm:password}}", "{{key}}": "x" });
  expect(lost).toEqual([]);
});

test("one list never joins braces of two tags", () => {
  expect(tagsForVss({ "a{": "{", "{b": "{" }).text).not.toContain("{{");
});

test("a group whose name VSS does not take is left out, since nobody may name it later", () => {
  const named = (group: string) => tagsForVss({ [tagKeys.group]: group, Owner: "\u017dofie" });
  expect(named("web")).toMatchObject({ lost: [], later: { Owner: "\u017dofie" } });
  expect(named("web #1")).toMatchObject({ lost: [tagKeys.group], later: { Owner: "\u017dofie" } });
});

test("the point beside VSS has an id of its own, always the same", () => {
  const id = "01a2b3c4-d5e6-7f80-9a0b-c1d2e3f4a5bf";
  expect(idBesideVss(id)).toBe("01a2b3c4-d5e6-7f80-9a0b-c1d2e3f4a5b7");
  for (const last of "0123456789abcdef") expect(idBesideVss(last)).toMatch(/^[0-9a-f]$/);
  for (const one of ["", "p", "0", "8", "x7"]) expect(idBesideVss(one)).not.toBe(one);
});

test("a set that lacks a volume is not consistent, whatever its snapshots say", () => {
  const snapshot = (volumeId: string, AppConsistent = "True") => ({ volumeId, tags: { AppConsistent } });
  const point = (snapshots: object[]) =>
    ({ snapshots, recipe: [{ volumeId: "vol-1" }, { volumeId: "vol-2" }] }) as never;
  expect(isAppConsistent(point([snapshot("vol-1"), snapshot("vol-2")]))).toBe(true);
  expect(isAppConsistent(point([snapshot("vol-1"), snapshot("vol-2", "False")]))).toBe(false);
  expect(isAppConsistent(point([snapshot("vol-1")]))).toBe(false);
  expect(isAppConsistent(point([]))).toBe(false);
});

test("what policies/vss.json forbids to write late is always written at once, and all that identifies a point is in it", () => {
  const text = readFileSync(path.join(import.meta.dirname, "../../policies/vss.json"), "utf8");
  const { Condition } = JSON.parse(text).Statement[2];
  const forbidden: string[] = Condition["ForAllValues:StringNotEqualsIgnoreCase"]["aws:TagKeys"];
  const retention = policy({ last: 3, daily: 7, within: 2 * day, timezone: "America/Port-au-Prince" });
  const { tags } = tagsOf({
    pointId: "01a2b3c4-d5e6-7f80-9a0b-c1d2e3f4a5bf",
    runId: "01a2b3c4-d5e6-7f80-9a0b-c1d2e3f4a5be",
    job: job({
      name: "a-job-1",
      retention,
      dialect: "seed2",
      addTags: { KeepForever: "yes", Owner: "\u017dofie" },
    }),
    instance: { ...instance, name: "\u017dofie, {{x}}" },
    captured: at("2027-01-01T00:00"),
    asOf: at("2027-01-01T00:00"),
    volumes: volumes(2),
    version: "1.2.3-rc.1+x",
  });
  const { later, lost } = tagsForVss(tags);
  expect(lost).toEqual([]);
  expect(Object.keys(later)).toContain(tagKeys.name);
  expect(Object.keys(later)).toContain("Owner");
  expect(Object.keys(later).filter((key) => forbidden.includes(key))).toEqual([]);
  const { name, consistency, frozen, manifest, ...identifying } = tagKeys;
  const ofCopies = [copyTag, copiedFrom, ...Object.values(copyKeys)];
  expect(forbidden).toEqual(expect.arrayContaining([...Object.values(identifying), ...ofCopies]));
});
