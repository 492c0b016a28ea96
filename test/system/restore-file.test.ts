import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import {
  catFile,
  type FileQuery,
  listFiles,
  type RatedProgress,
  restoreFile,
} from "../../src/actions/restore-file.ts";
import { systemClock } from "../../src/host/clock.ts";
import { cloneFiles } from "../../src/host/clone-files.ts";
import { restoreDisks } from "../../src/host/restore-disks.ts";
import { everythingOf, makeOddTree, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { need, node } from "../host/places.ts";
import { chanceOf } from "./chance.ts";
import { LoopDisks, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

const never = new AbortController().signal;
/** Whoever asks for a disk alone gets it only if nobody, in no namespace, has it mounted or stacked. */
const alone = "import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)";

beforeEach((context) => {
  need(context, loopDisksCan, loopDisksNeed);
  need(context, oddTreeCan, oddTreeNeed);
});

/** A filesystem in use with a tree on it, and clones of its disks. */
async function stage(filesystem: "ext4" | "xfs" | "btrfs") {
  const disks = await LoopDisks.start();
  onTestFinished(() => disks[Symbol.asyncDispose]());
  const names = filesystem === "btrfs" ? ["one", "two"] : ["one"];
  const files = await Promise.all(names.map((name) => disks.file(name, 320)));
  const originals: string[] = [];
  for (const file of files) originals.push(await disks.attach(file));
  const [first = ""] = originals;
  if (filesystem === "btrfs") {
    await sh("mkfs.btrfs", "-q", "-f", "-d", "raid0", "-m", "raid1", ...originals);
    await sh("btrfs", "device", "scan", ...originals);
    disks.janitor.undo(`btrfs device scan --forget ${originals.join(" ")} >/dev/null 2>&1`);
  } else await disks.format(first, filesystem);
  const mounted = await disks.mount(first, "original");
  makeOddTree(mounted);
  await sh("sync", "--file-system", mounted);
  // As the volumes are at one instant.
  await sh("fsfreeze", "-f", mounted);
  for (const file of files) await copyFile(file, `${file}-clone`).catch(() => undefined);
  await sh("fsfreeze", "-u", mounted);
  const clones: string[] = [];
  for (const file of files) clones.push(await disks.attach(`${file}-clone`));
  const at = (name: string): string => path.join(disks.directory, name);
  disks.janitor.undo(`for m in ${at("where")}/*; do umount "$m" 2>/dev/null; done`);
  const deps = { disks: restoreDisks(at("records")), files: cloneFiles(), clock: systemClock };
  const query: FileQuery = { disks: clones, paths: ["/mnt/data/tree", "/tree"], where: at("where") };
  return { disks, deps, query, mounted, at, clones };
}

describe.each(["ext4", "xfs", "btrfs"] as const)("files of a clone of a %s that is in use", (filesystem) => {
  test("are listed, read and restored as they were; everything is let go", async () => {
    const { deps, query, mounted, at, clones } = await stage(filesystem);
    const before = everythingOf(mounted);
    await sh("rm", "-r", path.join(mounted, "tree/sub"));
    const listed = await listFiles(query, deps, never);
    expect(listed.find(({ name }) => name === "out")).toMatchObject({
      kind: "link",
      uid: 99,
      target: "/etc/passwd",
    });
    const out = openSync(at("out"), "w");
    await catFile({ ...query, paths: ["/tree/a"] }, out, deps, never);
    closeSync(out);
    expect(readFileSync(at("out"), "utf8")).toBe("one\n");
    const seen: RatedProgress[] = [];
    const order = { to: at("back/tree"), identity: "snap-1", existing: "refuse" } as const;
    const stopped = new AbortController();
    const stop = (): void => stopped.abort();
    await expect(restoreFile(query, order, stop, deps, stopped.signal)).rejects.toThrow("told to stop");
    // The clone is mounted again meanwhile, maybe as another device, and is the same.
    const result = await restoreFile(query, order, (now) => seen.push(now), deps, never);
    expect(everythingOf(at("back"))).toBe(before);
    expect(result.continued).toBe(true);
    expect(await readdir(at("back"))).toEqual(["tree"]);
    expect(seen.at(-1)?.bytes).toBe(result.bytes);
    // What was deleted comes back into its place, and what is there stays.
    const inPlace = { to: path.join(mounted, "tree"), identity: "snap-1", existing: "keep" } as const;
    await restoreFile(query, inPlace, () => undefined, deps, never);
    const names = await readdir(path.join(mounted, "tree"), { recursive: true });
    expect(names.filter((name) => name !== "socket")).toEqual(
      await readdir(at("back/tree"), { recursive: true }),
    );
    await expect(stat(at("where/0"))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await deps.disks.leftovers()).toEqual([]);
    for (const clone of clones) await sh("python3", "-c", alone, clone);
  }, 120_000);
});

test("what is not there, or on several filesystems, is told with what to do, and everything is let go", async () => {
  const { deps, query, disks, at } = await stage("ext4");
  await expect(listFiles({ ...query, paths: ["/none"] }, deps, never)).rejects.toMatchObject({
    kind: "not-found",
    found: `it is not on ${query.disks[0]} (ext4)`,
  });
  await expect(listFiles({ ...query, filesystem: "data" }, deps, never)).rejects.toMatchObject({
    found: "there is no filesystem data",
    remedy: `choose one of ${query.disks[0]} (ext4)`,
  });
  const second = await disks.attach(await disks.file("second", 64));
  await sh("mkfs.ext4", "-q", "-L", "second", second);
  const both = { ...query, disks: [...query.disks, second], paths: ["/lost+found"] };
  await expect(listFiles(both, deps, never)).rejects.toMatchObject({
    kind: "usage",
    found: expect.stringContaining("second (ext4)"),
  });
  expect(await listFiles({ ...both, filesystem: "second" }, deps, never)).toEqual([]);
  await expect(
    restoreFile(
      { ...query, paths: ["/tree"] },
      { to: at("taken"), identity: "snap-1", existing: "refuse" },
      () => undefined,
      { ...deps, files: { ...deps.files, copy: () => Promise.reject(new Error("broken")) } },
      never,
    ),
  ).rejects.toThrow("broken");
  await mkdir(at("empty"));
  expect(await deps.disks.leftovers()).toEqual([]);
  await expect(stat(at("where/0"))).rejects.toMatchObject({ code: "ENOENT" });
}, 60_000);

/** A restore in a process of its own, which can be killed. */
const restorer = `
import { writeSync } from "node:fs";
import { restoreFile } from ${JSON.stringify(path.resolve("src/actions/restore-file.ts"))};
import { systemClock } from ${JSON.stringify(path.resolve("src/host/clock.ts"))};
import { cloneFiles } from ${JSON.stringify(path.resolve("src/host/clone-files.ts"))};
import { restoreDisks } from ${JSON.stringify(path.resolve("src/host/restore-disks.ts"))};
const [query, order, records] = JSON.parse(process.argv[2]);
const deps = { disks: restoreDisks(records), files: cloneFiles(), clock: systemClock };
writeSync(1, "begun");
await restoreFile(query, order, () => undefined, deps, new AbortController().signal);
`;

test("a restore that is killed at any instant leaves nothing that the next one does not clear", async () => {
  const { deps, query, mounted, at, clones } = await stage("ext4");
  const before = everythingOf(mounted);
  await writeFile(at("restorer.ts"), restorer);
  const [program = "", ...words] = node;
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
  console.log(`killed restores: seed ${seed}`);
  const chance = chanceOf(seed);
  let found = 0;
  const rounds = process.env["SOAK"] === undefined ? 5 : 40;
  for (let round = 0; round < rounds; round++) {
    const order = { to: at(`back-${round}/tree`), identity: "snap-1", existing: "refuse" } as const;
    const asked = JSON.stringify([query, order, at("records")]);
    const child = spawn(program, [...words, at("restorer.ts"), asked], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const timer = setTimeout(() => child.kill("SIGKILL"), chance() * 900);
    await once(child, "close");
    clearTimeout(timer);
    // What the next start does, before anything else.
    const left = await deps.disks.leftovers();
    found += left.length;
    for (const record of left) await deps.disks.undo(record, never);
    for (const clone of clones) await deps.disks.release(clone, never);
    expect(await deps.disks.leftovers()).toEqual([]);
    for (const clone of clones) await sh("python3", "-c", alone, clone);
    await restoreFile(query, order, () => undefined, deps, never).catch((error: unknown) =>
      // It had been done.
      expect(String(error), `seed ${seed}, round ${round}`).toContain("is there already"),
    );
    expect(everythingOf(at(`back-${round}`)), `seed ${seed}, round ${round}`).toBe(before);
    expect(await readdir(at(`back-${round}`)), `seed ${seed}, round ${round}`).toEqual(["tree"]);
  }
  console.log(`killed restores: ${found} mounts were left and undone`);
}, 600_000);
