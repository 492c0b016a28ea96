import { execFileSync } from "node:child_process";
import { mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { storedPoints } from "../../src/core/store-point.ts";
import type { StoredEntry, StoreProgress } from "../../src/core/store-ports.ts";
import { tag } from "../../src/core/store-tags.ts";
import { everythingOf, makeOddTree, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { folder, isRoot, need } from "../host/places.ts";
import { cheapenKeys } from "../system/stores/cheap-key.ts";
import { needRestic, restics } from "../system/stores/restics.ts";
import { shelfAt } from "../system/stores/shelf.ts";
import { failureIn, filesOrder, never, order, quiet, Stage, writing } from "./restic-stage.ts";

describe.each(restics())("a repository by $name restic, $version", (restic) => {
  const stage = async (context: Parameters<typeof needRestic>[0]) =>
    new Stage(await folder(), needRestic(context, restic));

  test("a tree comes back as it was, whatever is in it", async (context) => {
    need(context, oddTreeCan && isRoot, `root, ${oddTreeNeed}`);
    const place = await stage(context);
    const store = await place.made("store");
    mkdirSync(place.at("source"));
    makeOddTree(place.at("source"));
    const before = everythingOf(place.at("source"));
    const saved = await store.saveFiles(filesOrder("p", [place.at("source", "tree")]), quiet, never);
    expect(saved).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{64}$/), unread: [] });
    expect(saved.bytes).toBeGreaterThan(64 * 1024 * 1024);
    const told: StoreProgress[] = [];
    const restored = await store.restore(
      { snapshot: saved.id, include: [], target: place.at("back") },
      (one) => told.push(one),
      never,
    );
    expect(restored.problems).toEqual([]);
    // Before 0.17 restic tells nothing of a restore.
    if (!restic.version.startsWith("0.14")) {
      const { what, bytesDone, bytesTotal, filesDone, filesTotal } = told.at(-1) ?? expect.fail();
      expect([what, bytesDone, filesDone]).toEqual(["restore", bytesTotal, filesTotal]);
      expect(bytesTotal).toBeGreaterThan(64 * 1024 * 1024);
    }
    // restic knows no holes in files but those that it makes itself, and no sockets.
    const plain = (text: string) => text.replace(/^(?:sparse|full)$/m, "");
    expect(plain(everythingOf(place.at("back", place.at("source"))))).toBe(plain(before));
  });

  test("saves, lists, reads and restores", async (context) => {
    const place = await stage(context);
    const store = await place.made("store");
    expect(await store.open(never)).toMatchObject({ formatVersion: 2, program: restic.version });
    const tree = place.tree("tree");
    const tags = [tag("ec2-backup:point", "p1"), "a,b 100%", "plain"];
    const when = new Date("2026-02-03T04:05:06Z");
    const saved = await store.saveFiles(
      { ...filesOrder("p1", [tree], { exclude: ["b"] }), tags, time: when },
      quiet,
      never,
    );
    expect(saved).toMatchObject({ files: { new: 1, changed: 0, unmodified: 0 }, bytes: 4, unread: [] });
    const [listed, ...others] = await store.snapshots(["a,b 100%"], never);
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ id: saved.id, time: when, host: "here", paths: [tree], tags });
    expect(await store.snapshots(["a"], never)).toEqual([]);
    const entries = await all(store.list(saved.id, { path: tree, recursive: false }, never));
    expect(entries.map(({ path, type, size, mode }) => ({ path, type, size, mode }))).toEqual([
      { path: `${tree}/a`, type: "file", size: 4, mode: 0o100644 },
      { path: `${tree}/sub`, type: "dir", size: undefined, mode: 0o40755 },
    ]);
    const deep = await all(store.list(saved.id, { path: "/", recursive: true }, never));
    expect(deep.map((one) => one.path)).toContain(`${tree}/a`);
    const output = openSync(place.at("dumped"), "w");
    await store.dump(saved.id, `${tree}/a`, output, never);
    expect(readFileSync(place.at("dumped"), "utf8")).toBe("one\n");
    expect(await failureIn(store.dump(saved.id, `${tree}/none`, output, never))).toMatchObject({
      kind: "not-found",
    });
    const none = all(store.list("f".repeat(64), { path: "/", recursive: true }, never));
    expect(await failureIn(none)).toMatchObject({ kind: "not-found" });
  });

  test("a save tells how far it is, and of how much", async (context) => {
    const place = await stage(context);
    const store = await place.made("store");
    // restic reads holes as zeros, for longer than the half second that it tells its progress after.
    const [file, bytesTotal] = [place.at("holes"), 768 * 1024 * 1024];
    writeFileSync(file, "");
    truncateSync(file, bytesTotal);
    const said: StoreProgress[] = [];
    await store.saveFiles(filesOrder("p", [file]), (one) => said.push(one), never);
    const read = said.filter(({ bytesDone = 0, bytesTotal: of }) => bytesDone > 0 && of === bytesTotal);
    expect(read, JSON.stringify(said)).not.toEqual([]);
    expect(read[0]).toMatchObject({ what: "save", filesTotal: 1 });
    for (const { bytesDone = 0 } of said) expect(bytesDone).toBeLessThanOrEqual(bytesTotal);
    const done = said.map(({ bytesDone = 0 }) => bytesDone);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
  });

  test("an entry is restored by its name, which is no pattern, and what cannot be is told", async (context) => {
    const place = await stage(context);
    const store = await place.made("store");
    const tree = place.tree("tree");
    for (const name of ["s*r", "star", "[a]", "a?c\\"]) writeFileSync(`${tree}/${name}`, name);
    const saved = await store.saveFiles(filesOrder("p", [tree]), quiet, never);
    const include = ["s*r", "[a]", "a?c\\"].map((name) => `${tree}/${name}`);
    const target = place.at("back");
    expect(await store.restore({ snapshot: saved.id, include, target }, quiet, never)).toMatchObject({
      problems: [],
    });
    const found = execFileSync("ls", [`${target}${tree}`], { encoding: "utf8" })
      .trim()
      .split("\n")
      .sort();
    expect(found).toEqual(["[a]", "a?c\\", "s*r"]);
    mkdirSync(`${place.at("full")}${tree}/a/in-the-way`, { recursive: true });
    const { problems } = await store.restore(
      { snapshot: saved.id, include: [], target: place.at("full") },
      quiet,
      never,
    );
    expect(problems.map(({ doing }) => doing)).toEqual([`restore ${tree}/a`]);
  });

  test("what is not wholly read is marked, and its mark goes with it and not before", async (context) => {
    const place = await stage(context);
    const store = await place.made("store");
    const tree = place.tree("tree");
    // restic reads it as a file, and the kernel refuses, to root too.
    const paths = [tree, "/proc/self/mem", place.at("nowhere")];
    const tags = [...order("p1").tags, "ec2-backup:content=files", "ec2-backup:series=s"];
    const saved = await store.saveFiles({ ...filesOrder("p1", paths), tags }, quiet, never);
    expect(saved.unread).toEqual([
      { path: place.at("nowhere"), found: "it does not exist" },
      { path: "/proc/self/mem", found: expect.stringContaining("input/output error") },
    ]);
    const snapshots = await store.snapshots([], never);
    const [point] = storedPoints(snapshots, { repository: "store" });
    expect(point).toMatchObject({
      id: "p1",
      state: "partial",
      series: "s",
      stored: { markers: [expect.anything()] },
    });
    const [marker = ""] = point?.stored?.markers ?? [];
    expect(await store.unreadOf(marker, never)).toEqual(saved.unread);
    expect(await store.forget([marker], never)).toMatchObject([{ id: marker, outcome: "failed" }]);
    expect(await store.forget([marker, saved.id, "f".repeat(64)], never)).toEqual([
      { id: marker, outcome: "removed" },
      { id: saved.id, outcome: "removed" },
      { id: "f".repeat(64), outcome: "was-gone" },
    ]);
    expect(await store.snapshots([], never)).toEqual([]);
  });

  test("a mirror has what was copied, marks and all, and nothing twice", async (context) => {
    const place = await stage(context);
    const store = await place.made("store");
    const mirror = await place.open(place.config("mirror"));
    await mirror.init(never, store);
    await cheapenKeys(shelfAt(place.at("mirror")), place.at("password"));
    const tags = [...order("p1").tags, "ec2-backup:content=files"];
    await store.saveFiles({ ...filesOrder("p1", [place.tree("tree"), "/nowhere"]), tags }, quiet, never);
    const stream = {
      ...order("p2"),
      tags: [...order("p2").tags, "ec2-backup:content=dump", "ec2-backup:dump=d"],
    };
    await store.saveStream(stream, writing("d.sql", "rows"), quiet, never);
    const source = await store.snapshots([], never);
    const ids = source.map(({ id }) => id);
    await mirror.copyFrom(store, ids, quiet, never);
    await mirror.copyFrom(store, ids, quiet, never);
    const copies = await mirror.snapshots([], never);
    expect(copies.map(({ original }) => original).sort()).toEqual([...ids].sort());
    // By their names: both may be of the same second.
    const known = (found: typeof source) =>
      storedPoints(found, { repository: "r" })
        .map(({ id, state, stored }) => [id, state, stored?.original])
        .sort();
    expect(known(copies)).toEqual(known(source));
    expect(known(copies).map(([, state]) => state)).toEqual(["partial", "complete"]);
  });

  test("prune frees, check finds what is sound and what is not, part by part", async (context) => {
    const place = await stage(context);
    const store = await place.made("store");
    const tree = place.tree("tree");
    const saved = await store.saveFiles(filesOrder("p1", [tree]), quiet, never);
    writeFileSync(`${tree}/sub/b`, "y".repeat(50_000));
    await store.saveFiles(filesOrder("p2", [tree]), quiet, never);
    expect(await store.check({ part: 1, of: 1 }, quiet, never)).toEqual({
      sound: true,
      errors: [],
      read: "1/1",
    });
    await store.forget([saved.id], never);
    const { freedBytes } = await store.prune(quiet, never);
    expect(freedBytes).toBeGreaterThan(0);
    expect(await store.check(undefined, quiet, never)).toEqual({ sound: true, errors: [] });
    // A byte in the middle of each pack of data.
    const damage = `find "$1/data" -type f | while read -r f; do chmod u+w "$f"; printf '\\377\\000\\377\\000' | dd of="$f" bs=1 seek=20 conv=notrunc status=none; done`;
    execFileSync("sh", ["-c", damage, "sh", place.at("store")]);
    const { sound, errors } = await store.check({ part: 1, of: 1 }, quiet, never);
    expect(sound).toBe(false);
    expect(errors.length).toBeGreaterThan(0);
  });

  test("a host that may only append neither forgets nor prunes", async (context) => {
    const place = await stage(context);
    const store = await place.made("store", { appendOnly: true });
    const { id } = await store.saveFiles(filesOrder("p", [place.tree("tree")]), quiet, never);
    const refused = { kind: "refused", code: "AppendOnly" };
    expect(await failureIn(store.forget([id], never))).toMatchObject(refused);
    expect(await failureIn(store.prune(quiet, never))).toMatchObject(refused);
    expect(await store.snapshots([], never)).toHaveLength(1);
    expect(await failureIn((await place.open(place.config("store"))).forget(["abc"], never))).toMatchObject({
      found: "abc is no whole id of a snapshot",
    });
  });
});

async function all(entries: AsyncIterable<StoredEntry>): Promise<StoredEntry[]> {
  const found: StoredEntry[] = [];
  for await (const one of entries) found.push(one);
  return found;
}
