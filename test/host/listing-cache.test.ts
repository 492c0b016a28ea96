import { chmod, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { StoredEntry } from "../../src/core/store-ports.ts";
import { ListingCache } from "../../src/host/listing-cache.ts";
import { folder } from "./places.ts";

const key = (one: string) => ({ repository: "/srv/repo", snapshot: one.repeat(64) });
const entriesOf = (count: number): StoredEntry[] =>
  Array.from({ length: count }, (_, one) => ({
    path: `/srv/data/${one % 100}/file-${one}`,
    type: "file",
    size: one,
    mode: 0o100644,
    uid: 0,
    gid: 0,
    mtime: new Date(1_700_000_000_000 + one),
  }));

async function* stream(entries: readonly StoredEntry[], end?: Error): AsyncGenerator<StoredEntry> {
  for (const entry of entries) yield entry;
  if (end !== undefined) throw end;
}

async function passed(all: AsyncIterable<StoredEntry>): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for await (const entry of all) entries.push(entry);
  return entries;
}

async function filesIn(directory: string): Promise<string[]> {
  const all = await readdir(directory, { recursive: true, withFileTypes: true });
  return all.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
}

test("100,000 entries are passed on as they come and read again as they were, from a small file of ours alone", async () => {
  const home = await folder();
  const cache = new ListingCache(home);
  const entries = entriesOf(100_000);
  const said: string[] = [];
  expect(await cache.read(key("a"))).toBeUndefined();
  expect(await passed(cache.keep(key("a"), stream(entries), (why) => said.push(why)))).toEqual(entries);
  expect(await cache.read(key("a"))).toEqual(entries);
  const [file = "", ...others] = await filesIn(home);
  expect(others).toEqual([]);
  const stats = await stat(file);
  expect(stats.mode & 0o777).toBe(0o600);
  expect(stats.size).toBeLessThan(1_500_000);
  expect(said).toEqual([]);
});

test("a listing of another snapshot, one that was cut off or that others could have written is none", async () => {
  const home = await folder();
  const cache = new ListingCache(home);
  const entries = entriesOf(500);
  const write = () => passed(cache.keep(key("a"), stream(entries), expect.fail));
  await write();
  const [file = ""] = await filesIn(home);
  await writeFile(
    path.join(path.dirname(file), path.basename(file).replaceAll("a", "b")),
    await readFile(file),
    {
      mode: 0o600,
    },
  );
  expect(await cache.read(key("b"))).toBeUndefined();
  await truncate(file, 300);
  expect(await cache.read(key("a"))).toBeUndefined();
  await write();
  await chmod(file, 0o644);
  expect(await cache.read(key("a"))).toBeUndefined();
  await write();
  expect(await cache.read(key("a"))).toHaveLength(500);
});

test("nothing is kept of a listing that came to no end, was not wanted to its end, or is too long", async () => {
  const home = await folder();
  const told: string[] = [];
  const cache = new ListingCache(home, { bytes: 1_000_000, entries: 100 });
  await expect(
    passed(cache.keep(key("a"), stream(entriesOf(50), new Error("gone")), expect.fail)),
  ).rejects.toThrow("gone");
  for await (const entry of cache.keep(key("a"), stream(entriesOf(50)), expect.fail))
    if (entry.size === 7) break;
  expect(await passed(cache.keep(key("a"), stream(entriesOf(101)), (why) => told.push(why)))).toHaveLength(
    101,
  );
  expect(told).toEqual(["there are too many entries"]);
  expect(await filesIn(home)).toEqual([]);
  expect(await cache.read(key("a"))).toBeUndefined();
});

test("a place that cannot be written to costs only time", async () => {
  const home = await folder();
  await writeFile(path.join(home, "file"), "");
  const told: string[] = [];
  const cache = new ListingCache(path.join(home, "file", "below"));
  expect(await passed(cache.keep(key("a"), stream(entriesOf(3)), (why) => told.push(why)))).toHaveLength(3);
  expect(told).toEqual(["ENOTDIR"]);
});

test("what was not used for longest makes room", async () => {
  const home = await folder();
  await passed(new ListingCache(home).keep(key("a"), stream(entriesOf(5_000)), expect.fail));
  const [first = ""] = await filesIn(home);
  const { size } = await stat(first);
  const cache = new ListingCache(home, { bytes: size * 2.5, entries: 10_000 });
  const at = async (one: string, when: number) => {
    await passed(cache.keep(key(one), stream(entriesOf(5_000)), expect.fail));
    await utimes(first.replaceAll("a".repeat(64), one.repeat(64)), when, when);
  };
  await utimes(first, 1_000, 1_000);
  await at("b", 2_000);
  expect(await cache.read(key("a"))).toBeDefined();
  await at("c", 3_000);
  const names = (await filesIn(home)).map((one) => path.basename(one)[0]);
  expect(names.toSorted()).toEqual(["a", "c"]);
  await mkdir(path.join(home, "empty"));
  expect(await cache.read(key("b"))).toBeUndefined();
});
