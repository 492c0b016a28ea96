import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { JobTiming } from "../../src/core/timetable.ts";
import { withFirstSeen } from "../../src/host/unserved-jobs.ts";
import { folder } from "./places.ts";

const ours = "i-0000000000000000a";
const fresh: JobTiming = { job: "default", schedule: "0 2 * * *", timezone: "UTC", splay: 0 };
const served: JobTiming = { ...fresh, lastSlot: "2027-03-09T02:00:00.000Z" };
const monday = new Date("2027-03-08T12:00:00.000Z");
const friday = new Date("2027-03-12T12:00:00.000Z");
const at = (now: Date) => ({ now: () => now, random: Math.random });
const since = (date: Date) => [{ ...fresh, firstSeen: date.toISOString() }];

test("what one daemon first heard of, the next one knows, and nothing is written again for it", async () => {
  const directory = path.join(await folder(), "state");
  expect(await withFirstSeen(directory, ours, [fresh], at(monday))).toEqual(since(monday));
  expect(await readdir(directory)).toEqual(["unserved.json"]);
  const { ino, mode } = await stat(path.join(directory, "unserved.json"));
  expect(mode & 0o077).toBe(0);
  expect(await withFirstSeen(directory, ours, [fresh], at(friday))).toEqual(since(monday));
  expect((await stat(path.join(directory, "unserved.json"))).ino).toBe(ino);
});

test("nothing is written where each job has served a slot", async () => {
  const directory = await folder();
  expect(await withFirstSeen(directory, ours, [served], at(monday))).toEqual([served]);
  expect(await readdir(directory)).toEqual([]);
});

test("a job that has served a slot is forgotten, so that a state that is lost later begins anew", async () => {
  const directory = await folder();
  await withFirstSeen(directory, ours, [fresh], at(monday));
  expect(await withFirstSeen(directory, ours, [served], at(monday))).toEqual([served]);
  expect(await withFirstSeen(directory, ours, [fresh], at(friday))).toEqual(since(friday));
});

test("what the instance had that an image was made from is not ours", async () => {
  const directory = await folder();
  await withFirstSeen(directory, "i-0000000000000000b", [fresh], at(monday));
  expect(await withFirstSeen(directory, ours, [fresh], at(friday))).toEqual(since(friday));
});

test("a damaged file counts as none and is made good, and where nothing can be written nothing fails", async () => {
  const directory = await folder();
  const file = path.join(directory, "unserved.json");
  await writeFile(file, '{"version":1,"inst');
  expect(await withFirstSeen(directory, ours, [fresh], at(monday))).toEqual(since(monday));
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ instance: ours });
  const blocked = await folder();
  await mkdir(path.join(blocked, "unserved.json"));
  expect(await withFirstSeen(blocked, ours, [fresh], at(friday))).toEqual(since(friday));
  expect(await readdir(blocked)).toEqual(["unserved.json"]);
});
