import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredEntry } from "../../src/core/store-ports.ts";
import { diffOf, inTreeOrder, toldChanges } from "../../src/core/stored-diff.ts";
import { finder } from "../../src/core/stored-find.ts";
import { ListingWriter, listedEntries } from "../../src/core/stored-listing.ts";
import { canHold, isWithin, placeText, plainPath, storedPlace } from "../../src/core/stored-path.ts";

const text = (entries: readonly StoredEntry[]): string => {
  const writer = new ListingWriter();
  return entries.map((entry) => writer.add(entry)).join("");
};
const file = (path: string, more: Partial<StoredEntry> = {}): StoredEntry => ({
  path,
  type: "file",
  size: 1,
  mode: 0o100644,
  uid: 0,
  gid: 0,
  mtime: new Date(1_000),
  ...more,
});
const directory = (path: string, at = 1_000): StoredEntry => ({
  path,
  type: "dir",
  mode: 0o40755,
  mtime: new Date(at),
});

describe("the listing of a snapshot", () => {
  it("reads back what it wrote, whatever the names are", () => {
    const name = fc
      .string({ unit: "binary", minLength: 1, maxLength: 12 })
      .map((one) => one.replace(/[\0/]/g, "x"));
    const entry = fc.record(
      {
        path: fc.array(name, { minLength: 1, maxLength: 5 }).map((names) => `/${names.join("/")}`),
        type: fc.constantFrom("file", "dir", "symlink", "fifo", "socket", "dev", "chardev"),
        size: fc.nat(),
        mode: fc.nat({ max: 0o177777 }),
        uid: fc.nat(),
        gid: fc.nat(),
        mtime: fc.date({ noInvalidDate: true }),
      },
      { requiredKeys: ["path", "type"] },
    ) as fc.Arbitrary<StoredEntry>;
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
        expect([...listedEntries(text(entries))]).toEqual(entries);
      }),
    );
  });

  it("takes a few bytes for each of 100,000 files", () => {
    const writer = new ListingWriter();
    let bytes = 0;
    for (let one = 0; one < 100_000; one += 1) {
      const at = `/srv/data/project-${String(Math.floor(one / 100)).padStart(4, "0")}/document-${one}.txt`;
      bytes += writer.add(file(at, { size: one, mtime: new Date(1_700_000_000_000 + one) })).length;
    }
    expect(writer.count).toBe(100_000);
    expect(bytes).toBeLessThan(3_500_000);
  });

  it("makes only those entries whose path is wanted, and they are what they are among all", () => {
    const all = Array.from({ length: 50 }, (_, one) =>
      file(`/d/${one % 7}/${one}`, { size: one, uid: one % 3 }),
    );
    const isWanted = (path: string) => path.startsWith("/d/3/");
    expect([...listedEntries(text(all), isWanted)]).toEqual(all.filter(({ path }) => isWanted(path)));
    expect(() => [...listedEntries(text(all).slice(0, -3), () => false)]).toThrow(/middle of an entry/);
  });

  it("does not take a text that was cut off for a whole one", () => {
    const whole = text([file("/a"), file("/b")]);
    expect(() => [...listedEntries(whole.slice(0, -3))]).toThrow(/middle of an entry/);
    expect(() => [...listedEntries("nonsense\0\0\0\0\0")]).toThrow(/not understood/);
  });
});

describe("a pattern", () => {
  const paths = [
    "/etc/fstab",
    "/etc/a[b",
    "/srv/data/x.txt",
    "/srv/data/deep/X.TXT",
    "/srv/x",
    "/srv/two\nlines",
  ];
  const found = (pattern: string, more: Partial<Parameters<typeof finder>[0]> = {}): string[] =>
    paths.filter((path) => finder({ pattern, ignoreCase: false, ...more })(file(path)));

  it.each([
    ["fstab", ["/etc/fstab"]],
    ["*.txt", ["/srv/data/x.txt"]],
    ["x*", ["/srv/data/x.txt", "/srv/x"]],
    ["[a-f]stab", ["/etc/fstab"]],
    ["[!f]*", ["/etc/a[b", "/srv/data/x.txt", "/srv/data/deep/X.TXT", "/srv/x", "/srv/two\nlines"]],
    ["/srv/*", ["/srv/x", "/srv/two\nlines"]],
    ["/srv/**", ["/srv/data/x.txt", "/srv/data/deep/X.TXT", "/srv/x", "/srv/two\nlines"]],
    ["**/deep/*", ["/srv/data/deep/X.TXT"]],
    ["data/*", ["/srv/data/x.txt"]],
    ["a\\[b", ["/etc/a[b"]],
    ["a.*", []],
    ["two?lines", ["/srv/two\nlines"]],
  ])("%j finds what the shell would", (pattern, expected) => {
    expect(found(pattern)).toEqual(expected);
  });

  it("can leave case and other directories out", () => {
    expect(found("x.txt", { ignoreCase: true })).toEqual(["/srv/data/x.txt", "/srv/data/deep/X.TXT"]);
    expect(found("*", { below: "/etc" })).toEqual(["/etc/fstab", "/etc/a[b"]);
    expect(found("*", { type: "dir" })).toEqual([]);
  });

  it("is refused where it is none", () => {
    expect(() => found("a[b")).toThrow(RangeError);
  });

  it("never throws anything else, and finds each name by itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (pattern) => {
        try {
          finder({ pattern, ignoreCase: false });
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        const name = pattern.replaceAll("/", "x");
        const quoted = name.replace(/[*?[\\]/g, "\\$&");
        expect(finder({ pattern: quoted, ignoreCase: false })(file(`/a/${name}`))).toBe(true);
      }),
    );
  });
});

describe("the difference of two points", () => {
  const old = [
    directory("/d"),
    file("/d/a"),
    file("/d/b"),
    file("/d/c"),
    file("/d-e"),
    directory("/gone"),
    file("/gone/1"),
  ];
  const now = [
    directory("/d", 5_000),
    file("/d/a"),
    file("/d/b", { size: 7 }),
    file("/d/c", { mode: 0o100600 }),
    { ...directory("/d-e") },
    directory("/new"),
    file("/new/1"),
    file("/new/2"),
  ];

  it("tells each path with what became of it", () => {
    const { changes, sum } = diffOf(old, now);
    expect(changes.map(({ path, change }) => `${change} ${path}`)).toEqual([
      "content /d/b",
      "attributes /d/c",
      "kind /d-e",
      "removed /gone",
      "removed /gone/1",
      "added /new",
      "added /new/1",
      "added /new/2",
    ]);
    expect(sum).toEqual({ added: 3, removed: 2, changed: 3, bytesBefore: 5, bytesAfter: 11 });
  });

  it("says once what came or went as a whole", () => {
    const told = toldChanges(diffOf(old, now).changes).map(({ path, below }) => [path, below]);
    expect(told).toEqual([
      ["/d/b", 0],
      ["/d/c", 0],
      ["/d-e", 0],
      ["/gone", 1],
      ["/new", 2],
    ]);
  });

  it("believes who knows the contents more than sizes and times", () => {
    const content = new Set(["/d/a"]);
    const { changes } = diffOf(old, old, { content });
    expect(changes.map(({ path, change }) => [path, change])).toEqual([["/d/a", "content"]]);
    expect(diffOf([file("/x")], [file("/x", { mtime: new Date(2_000) })], { content }).changes).toMatchObject(
      [{ change: "attributes" }],
    );
  });

  it("can be of one directory only", () => {
    expect(diffOf(old, now, { below: "/new" }).changes).toHaveLength(3);
  });

  it("finds for each entry its like, in whatever order the two listings come", () => {
    const paths = fc.uniqueArray(fc.stringMatching(/^(\/[ab\-.\u00e9\u{1f600}]{1,2}){1,3}$/u), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(paths, fc.infiniteStream(fc.nat()), (all, numbers) => {
        const entries = all.map((path, index) => file(path, { size: index }));
        const mixed = entries.toSorted(() => ((numbers.next().value ?? 0) % 2) - 0.5);
        const other = mixed.map((one) => (one.size === 3 ? { ...one, mode: 0o100600 } : one));
        const { changes, sum } = diffOf(entries, other);
        expect(changes.map(({ change }) => change)).toEqual(all.length > 3 ? ["attributes"] : []);
        expect(sum.bytesBefore).toBe(sum.bytesAfter);
      }),
    );
  });

  it("is empty of a listing and itself, and the other way round swaps what came and went", () => {
    const paths = fc.uniqueArray(fc.stringMatching(/^(\/[ab\-.]{1,2}){1,3}$/), { maxLength: 20 });
    const listing = paths.map((all) => all.map((path) => file(path)));
    fc.assert(
      fc.property(listing, listing, (one, other) => {
        expect(diffOf(one, one).changes).toEqual([]);
        const [there, back] = [diffOf(one, other).changes, diffOf(other, one).changes];
        expect(there.map(({ path }) => path)).toEqual(back.map(({ path }) => path));
        expect(there.filter(({ change }) => change === "added").length).toBe(
          back.filter(({ change }) => change === "removed").length,
        );
        expect(there.map(({ path }) => path)).toEqual(there.map(({ path }) => path).toSorted(inTreeOrder));
      }),
    );
  });
});

describe("a path of stored files", () => {
  it.each([
    ["/srv//data/./x/..", "/srv/data"],
    ["/", "/"],
    ["/../../etc/", "/etc"],
  ])("%s is %s", (path, plain) => {
    expect(plainPath(path)).toBe(plain);
  });

  it("may be of a dump", () => {
    expect(storedPlace("dump/shop")).toEqual({ in: "dump", dump: "shop", path: "/" });
    expect(storedPlace("dump/shop/a/../b.json")).toEqual({ in: "dump", dump: "shop", path: "/b.json" });
    expect(storedPlace("dump/")).toBeUndefined();
    expect(storedPlace("etc/fstab")).toBeUndefined();
    for (const one of ["dump/shop", "dump/shop/x", "/etc/fstab", "/"])
      expect(placeText(storedPlace(one) ?? { in: "files", path: "" })).toBe(one);
  });

  it("is held by what lies above and below it, and by no neighbour", () => {
    expect(isWithin("/srv/data-2", "/srv/data")).toBe(false);
    expect(canHold(["/srv/data"], "/srv/data/x")).toBe(true);
    expect(canHold(["/srv/data"], "/srv")).toBe(true);
    expect(canHold(["/srv/data", "/etc"], "/srv/data-2")).toBe(false);
  });
});
