import { describe, expect, test } from "vitest";
import { refusalsOfPaths } from "../../src/core/freeze-paths.ts";
import { type FreezePlan, type FreezeWish, planFreeze } from "../../src/core/freeze-plan.ts";
import { summaryOfMounts } from "../../src/core/freeze-verdict.ts";
import type { MappedMount, OtherMount } from "../../src/core/mount-map.ts";
import { mapped } from "./mapped.ts";

const root = mapped("/", { superblock: "259:900", volumes: ["vol-0"] });

function plan(
  mounts: readonly MappedMount[],
  wish: Partial<Omit<FreezeWish, "map">> & { others?: readonly OtherMount[] } = {},
): FreezePlan {
  const { others = [], wanted = "data", set = new Set(["vol-0", "vol-1"]), occupied = [] } = wish;
  return planFreeze({ map: { mounts, others, doubts: [] }, wanted, set, occupied });
}

const waves = ({ freeze }: FreezePlan): string[][] => freeze.map((wave) => wave.map(({ path }) => path));

/** The one reason why this mount, listed or not, is not frozen. */
function refusal(
  mounts: readonly MappedMount[],
  path: string,
  wish: Parameters<typeof plan>[1] = {},
): string {
  const listed = plan(mounts, { ...wish, wanted: [path] });
  expect(listed.freeze).toEqual([]);
  expect(listed.refused.map((one) => one.path)).toEqual([path]);
  return listed.refused[0]?.because ?? "";
}

describe("what is frozen", () => {
  test("is every eligible mount, side by side where they have nothing to do with each other", () => {
    const found = plan([root, mapped("/data"), mapped("/srv", { filesystem: "xfs" })]);
    expect(waves(found)).toEqual([["/data", "/srv"]]);
    expect(found.eligible).toEqual(["/data", "/srv"]);
    expect(found.refused.map(({ path }) => path)).toEqual(["/"]);
  });

  test("is only what is listed, while all that is eligible stays the measure", () => {
    const found = plan([root, mapped("/data"), mapped("/srv")], { wanted: ["/srv"] });
    expect(waves(found)).toEqual([["/srv"]]);
    expect(found.eligible).toEqual(["/data", "/srv"]);
    expect(found.refused).toEqual([]);
  });

  test("goes from the leaves to the parents", () => {
    const mounts = [root, mapped("/data"), mapped("/data/a/deep"), mapped("/data/a"), mapped("/database")];
    expect(waves(plan(mounts))).toEqual([["/data/a/deep", "/database"], ["/data/a"], ["/data"]]);
  });

  test("begins with what is stored in files on others, also through one that is not frozen itself", () => {
    const data = mapped("/data", { superblock: "8:1" });
    const middle = mapped("/middle", { superblock: "7:0", loopOn: ["8:1"], filesystem: "vfat" });
    const image = mapped("/image", { superblock: "7:1", loopOn: ["7:0"] });
    expect(waves(plan([root, data, middle, image]))).toEqual([["/image"], ["/data"]]);
  });

  test("begins with the stored even where a bind mount nests the two the other way round", () => {
    const data = mapped("/data", { superblock: "8:1" });
    const image = mapped("/image", { superblock: "7:1", loopOn: ["8:1"] });
    const bound = { ...data, path: "/image/data", root: "/x" };
    expect(waves(plan([root, data, image, bound]))).toEqual([["/image"], ["/data"]]);
  });

  test("is each filesystem once, however often it is mounted, by the path that was listed or the shortest", () => {
    const data = mapped("/data");
    const bound = { ...data, path: "/srv/bound", root: "/x" };
    expect(waves(plan([root, bound, data]))).toEqual([["/data"]]);
    const listed = plan([root, data, bound], { wanted: ["/srv/bound"] });
    expect(waves(listed)).toEqual([["/srv/bound"]]);
    expect(listed.eligible).toEqual(["/srv/bound"]);
    expect(waves(plan([root, data, bound], { wanted: ["/srv/bound", "/data"] }))).toEqual([["/data"]]);
  });
});

describe("what is refused, with the reason and what to do", () => {
  const usual = [root, mapped("/data")];

  test("a path that is no mount point", () => {
    expect(refusal(usual, "/data/mysql")).toBe(
      "is no mount point: it lies on the filesystem of /data, all of which would stop; name /data if that is what you want",
    );
    expect(refusal(usual, "/srv")).toBe(
      "is no mount point: it lies on the filesystem of /, all of which would stop; give it a filesystem of its own",
    );
  });

  test.each([
    [
      "/",
      "is the root filesystem: once it is frozen, nothing can be started to thaw it; leave it out of freeze.mounts, its volume is captured all the same",
    ],
    [
      "/boot",
      "belongs to booting, and nothing there needs to be held still; leave it out of freeze.mounts, its volume is captured all the same",
    ],
    [
      "/boot/efi",
      "belongs to booting, and nothing there needs to be held still; leave it out of freeze.mounts, its volume is captured all the same",
    ],
    ...["/usr", "/var", "/tmp"].map((path) => [
      path,
      "is a directory that the system itself writes to or runs from, and what waits there could not thaw it; leave it out of freeze.mounts, or give the data below it a filesystem of its own",
    ]),
  ])("%s", (path, because) => {
    expect(refusal([root, mapped("/boot"), mapped(path), mapped("/var/lib/mysql")], path)).toBe(because);
    expect(waves(plan([root, mapped(path), mapped("/var/lib/mysql")]))).toEqual([["/var/lib/mysql"]]);
  });

  test("what the agent or its hooks need meanwhile", () => {
    const state = mapped("/state", { superblock: "8:9" });
    const occupied = [
      { superblock: "8:9", what: "the agent's state in /state/agent" },
      { superblock: "8:9", what: "the log of the hook mysql" },
    ];
    expect(refusal([root, state], "/state", { occupied })).toBe(
      "holds what is needed while it is frozen: the agent's state in /state/agent, the log of the hook mysql; leave it out of freeze.mounts, or move that to another filesystem",
    );
    expect(plan([root, state], { occupied }).eligible).toEqual([]);
  });

  test("what holds the file of a filesystem that is needed, over any number of files", () => {
    const mounts = [
      root,
      mapped("/disks", { superblock: "8:1" }),
      mapped("/more", { superblock: "7:0", loopOn: ["8:1"] }),
      mapped("/state", { superblock: "7:1", loopOn: ["7:0"] }),
    ];
    const occupied = [{ superblock: "7:1", what: "the agent's state" }];
    expect(plan(mounts, { occupied }).eligible).toEqual([]);
    expect(refusal(mounts, "/disks", { occupied })).toBe(
      "holds the file that /more is stored in, and that must not stop; leave it out of freeze.mounts",
    );
  });

  test("a bind mount of what is refused: superblocks count, not paths", () => {
    const bound = { ...root, path: "/data", root: "/srv/data" };
    expect(refusal([root, bound], "/data")).toBe(
      "is the same filesystem as /, which is the root filesystem: once it is frozen, nothing can be started to thaw it; leave it out of freeze.mounts, its volume is captured all the same",
    );
    expect(plan([root, bound]).refused).toHaveLength(1);
    const usr = mapped("/usr");
    expect(refusal([root, usr, { ...usr, path: "/opt" }], "/opt")).toMatch(
      /^is the same filesystem as \/usr, which is a directory/,
    );
  });

  test.each(["vfat", "ntfs3", "exfat", "fuseblk", "zfs"])("%s, which cannot be frozen", (filesystem) => {
    expect(refusal([root, mapped("/data", { filesystem })], "/data")).toBe(
      `is ${filesystem}, which cannot be frozen; leave it out of freeze.mounts`,
    );
  });

  test.each(["tmpfs", "overlay", "nfs4"])("%s, which rests on no volume", (filesystem) => {
    const others = [{ path: "/data/run", filesystem }];
    expect(refusal(usual, "/data/run", { others })).toBe(
      `is ${filesystem}, which rests on no volume and cannot be frozen; leave it out of freeze.mounts`,
    );
    expect(refusal(usual, "/data/run/x", { others })).toBe(
      "is no mount point: it lies on the filesystem of /data/run, all of which would stop; name /data/run if that is what you want",
    );
  });

  test("a mount whose volumes are not captured, or are none", () => {
    expect(refusal([root, mapped("/data", { volumes: ["vol-9"] })], "/data")).toBe(
      "rests on no volume that is captured, but on vol-9, which is not captured; leave it out of freeze.mounts, or include its volume",
    );
    const unknown = [{ disk: "nvme9n1", because: "is an instance store, which no snapshot can hold" }];
    expect(refusal([root, mapped("/data", { volumes: [], unknown })], "/data")).toBe(
      "rests on no volume that is captured, but on nvme9n1, which is an instance store, which no snapshot can hold; leave it out of freeze.mounts, or include its volume",
    );
  });

  test("paths that are wrong on any machine, all at once", () => {
    const paths = ["/data/", "data", "/a/../b", "[SWAP]", "/srv", "/srv", "/", "//srv/."];
    const refused = [
      { path: "/data/", because: "is not written plainly; write /data" },
      { path: "data", because: "is no absolute path; name the mount point as /proc/self/mountinfo shows it" },
      { path: "/a/../b", because: "is not written plainly; write /b" },
      { path: "[SWAP]", because: "is no filesystem: swap cannot be frozen; leave it out of freeze.mounts" },
      { path: "/srv", because: "is named twice; name it once" },
      { path: "/", because: expect.stringMatching(/^is the root filesystem/) },
      { path: "//srv/.", because: "is not written plainly; write /srv" },
    ];
    expect(refusalsOfPaths(paths)).toEqual(refused);
    expect(refusalsOfPaths(["/data", "/var/lib/mysql", "/bootstrap"])).toEqual([]);
    const found = plan([root, mapped("/data"), mapped("/srv")], { wanted: paths });
    expect(found.refused).toEqual(refused);
    expect(waves(found)).toEqual([]);
  });
});

describe("a mount that is partly captured", () => {
  const data = mapped("/data", { volumes: ["vol-1", "vol-9"] });
  const because =
    "rests on vol-1, but also on vol-9, which is not captured: a freeze could not make its snapshot consistent; capture all that it rests on, or leave it out of freeze.mounts";

  test("is not frozen, and counts as one that should be", () => {
    const found = plan([root, data, mapped("/srv")]);
    expect(waves(found)).toEqual([["/srv"]]);
    expect(found.eligible).toEqual(["/data", "/srv"]);
    expect(found.straddling).toEqual([
      { path: "/data", because: because.replace(", or leave it out of freeze.mounts", "") },
    ]);
  });

  test("is a fault where it is listed", () => {
    expect(refusal([root, data], "/data")).toBe(because);
  });

  test("is also one with a disk that is not known", () => {
    const unknown = [{ disk: "nvme9n1", because: "tells no volume id" }];
    expect(plan([root, mapped("/data", { unknown })]).straddling).toEqual([
      {
        path: "/data",
        because:
          "rests on vol-1, but also on nvme9n1, which tells no volume id: a freeze could not make its snapshot consistent; capture all that it rests on",
      },
    ]);
  });
});

test("a read-only mount is still anyhow: not frozen, not eligible, no fault", () => {
  const snap = mapped("/snap", { readOnly: true, filesystem: "squashfs" });
  const found = plan([root, snap], { wanted: ["/snap"] });
  expect(found).toMatchObject({ freeze: [], eligible: [], refused: [], straddling: [] });
  expect(found.still).toEqual([
    { path: "/snap", because: "is mounted read-only: it is not frozen and needs not be" },
  ]);
});

test("a read-only mount is no fault either where it holds a program of the agent, but is where it is the root", () => {
  const tools = mapped("/tools", { readOnly: true, superblock: "8:7" });
  const occupied = [{ superblock: "8:7", what: "Node.js" }];
  expect(plan([root, tools], { wanted: ["/tools"], occupied }).refused).toEqual([]);
  expect(plan([{ ...root, readOnly: true }])).toMatchObject({
    refused: [],
    still: [{ path: "/", because: "is mounted read-only: it is not frozen and needs not be" }],
  });
  expect(refusal([{ ...root, readOnly: true }], "/")).toMatch(/^is the root filesystem/);
});

test("the summary has a verdict for each mount", () => {
  const data = mapped("/data");
  const mounts = [root, data, { ...data, path: "/bound" }, mapped("/snap", { readOnly: true })];
  const summary = summaryOfMounts({
    map: { mounts, doubts: ["a doubt"] },
    set: new Set(["vol-1"]),
    occupied: [],
  });
  expect(summary.doubts).toEqual(["a doubt"]);
  expect(summary.mounts.map(({ path, freeze, because }) => [path, freeze, because?.slice(0, 11)])).toEqual([
    ["/", false, "is the root"],
    ["/data", true, undefined],
    ["/bound", true, undefined],
    ["/snap", false, "is mounted "],
  ]);
});
