import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { chmod, link, lstat, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { CopyOrder, CopyProgress } from "../../src/core/file-ports.ts";
import { cloneFiles } from "../../src/host/clone-files.ts";
import { chanceOf } from "../system/chance.ts";
import { everythingOf, makeOddTree, oddTreeCan, oddTreeNeed } from "./odd-tree.ts";
import { folder, isLinux, isRoot, need, node } from "./places.ts";

const never = new AbortController().signal;
const small = { batch: { bytes: 100_000, entries: 4 }, stall: 30_000 };
const files = cloneFiles(small);

beforeEach((context) => need(context, isLinux && isRoot, "root on Linux"));

interface Ground {
  /** The directory in whose place a clone is mounted. */
  readonly root: string;
  readonly home: string;
  order(more: Partial<CopyOrder>): CopyOrder;
}

async function ground(): Promise<Ground> {
  const home = await folder();
  const root = path.join(home, "root");
  await mkdir(root);
  const order = (more: Partial<CopyOrder>): CopyOrder => ({
    root,
    path: "/tree",
    to: path.join(home, "copy"),
    identity: "snap-1",
    existing: "refuse",
    ...more,
  });
  return { root, home, order };
}

async function leftIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith(".ec2-backup"));
}

test("a tree with everything that files can be is copied as it is, with progress", async (context) => {
  need(context, oddTreeCan, oddTreeNeed);
  const { root, home, order } = await ground();
  makeOddTree(root);
  const before = everythingOf(root);
  const seen: CopyProgress[] = [];
  const result = await files.copy(order({}), (now) => seen.push(now), never);
  expect(everythingOf(home, "copy")).toBe(before);
  expect(everythingOf(root)).toBe(before);
  expect(result).toMatchObject({ to: path.join(home, "copy"), continued: false, kept: [] });
  expect(result.notes).toEqual(["1 sockets are left out: the programs that listen on them make them"]);
  expect(seen.at(-1)).toEqual({
    bytes: result.bytes,
    ofBytes: result.bytes,
    entries: result.entries,
    ofEntries: result.entries,
  });
  expect(seen.map(({ bytes }) => bytes)).toEqual(seen.map(({ bytes }) => bytes).toSorted((a, b) => a - b));
  expect(await leftIn(home)).toEqual([]);
});

test("what is there is not replaced unless told so, a directory never, and nothing is half done", async () => {
  const { root, home, order } = await ground();
  await mkdir(path.join(root, "tree/sub"), { recursive: true });
  await writeFile(path.join(root, "tree/a"), "new");
  await writeFile(path.join(root, "tree/sub/b"), "new");
  await chmod(path.join(root, "tree/sub"), 0o710);
  const to = path.join(home, "copy");
  await mkdir(path.join(to, "sub"), { recursive: true });
  await chmod(path.join(to, "sub"), 0o755);
  await writeFile(path.join(to, "sub/b"), "old");
  await writeFile(path.join(to, "sub/other"), "mine");
  await expect(files.copy(order({}), () => undefined, never)).rejects.toMatchObject({
    kind: "refused",
    found: `${to}/sub/b is there already`,
  });
  expect(await readdir(to)).toEqual(["sub"]);
  const kept = await files.copy(order({ existing: "keep" }), () => undefined, never);
  expect(kept.kept).toEqual(["tree/sub/b"]);
  expect([await readFile(`${to}/a`, "utf8"), await readFile(`${to}/sub/b`, "utf8")]).toEqual(["new", "old"]);
  const replaced = await files.copy(order({ existing: "overwrite" }), () => undefined, never);
  expect(replaced.kept).toEqual([]);
  expect([await readFile(`${to}/sub/b`, "utf8"), await readFile(`${to}/sub/other`, "utf8")]).toEqual([
    "new",
    "mine",
  ]);
  expect((await lstat(`${to}/sub`)).mode & 0o777).toBe(0o710);
  await mkdir(path.join(home, "directory/a"), { recursive: true });
  await expect(
    files.copy(order({ to: path.join(home, "directory"), existing: "overwrite" }), () => undefined, never),
  ).rejects.toMatchObject({ found: `${home}/directory/a is a directory` });
  expect(await leftIn(to)).toEqual([]);
  expect(await leftIn(home)).toEqual([]);
});

test("a directory in whose place there is something else is refused, since nothing would be brought back", async () => {
  const { root, home, order } = await ground();
  await mkdir(path.join(root, "tree"));
  await writeFile(path.join(root, "tree/a"), "new");
  await writeFile(path.join(home, "copy"), "mine");
  for (const existing of ["refuse", "keep", "overwrite"] as const)
    await expect(
      files.copy(order({ existing }), () => undefined, never),
      existing,
    ).rejects.toMatchObject({
      kind: "refused",
      found: `${home}/copy is no directory`,
    });
  expect(await readFile(path.join(home, "copy"), "utf8")).toBe("mine");
  expect(await leftIn(home)).toEqual([]);
});

test("who is told to stop once all is in its place comes to the end, and leaves nothing behind", async () => {
  const { root, home, order } = await ground();
  await mkdir(path.join(root, "tree"));
  await writeFile(path.join(root, "tree/a"), "new");
  const stop = new AbortController();
  const whenThere = (): void => {
    if (existsSync(path.join(home, "copy"))) stop.abort();
    else setImmediate(whenThere);
  };
  setImmediate(whenThere);
  expect(await files.copy(order({}), () => undefined, stop.signal)).toMatchObject({ kept: [] });
  expect(stop.signal.aborted).toBe(true);
  expect(await leftIn(home)).toEqual([]);
});

test("no link leads out of the clone or out of the target", async () => {
  const { root, home, order } = await ground();
  await mkdir(path.join(root, "etc"));
  await writeFile(path.join(root, "etc/passwd"), "the clone's");
  await symlink("/etc", path.join(root, "absolute"));
  await symlink("../../../../../../../../etc", path.join(root, "climbing"));
  await symlink("round", path.join(root, "round"));
  await mkdir(path.join(root, "deep"));
  await symlink("/etc", path.join(root, "deep/absolute"));
  for (const way of [
    "/absolute/passwd",
    "/deep/absolute/passwd",
    "/climbing/passwd",
    "/../../etc/passwd",
    "etc/./passwd",
  ]) {
    const to = path.join(home, `by-${way.replaceAll("/", "-")}`);
    await files.copy(order({ path: way, to }), () => undefined, never);
    expect(await readFile(to, "utf8")).toBe("the clone's");
  }
  await expect(files.list(root, "/round/x", never)).rejects.toMatchObject({
    found: "too many links on the way",
  });
  await files.copy(order({ path: "/absolute", to: path.join(home, "as-link") }), () => undefined, never);
  expect((await lstat(path.join(home, "as-link"))).isSymbolicLink()).toBe(true);
  // In the target a link stands where the tree has a directory.
  await mkdir(path.join(home, "elsewhere"));
  await mkdir(path.join(home, "target"));
  await symlink(path.join(home, "elsewhere"), path.join(home, "target/etc"));
  for (const existing of ["refuse", "overwrite"] as const)
    await expect(
      files.copy(order({ path: "/", to: path.join(home, "target"), existing }), () => undefined, never),
    ).rejects.toMatchObject({ found: expect.stringContaining("target/etc is no directory") });
  await files.copy(
    order({ path: "/", to: path.join(home, "target"), existing: "keep" }),
    () => undefined,
    never,
  );
  expect(await readdir(path.join(home, "elsewhere"))).toEqual([]);
  await expect(
    files.copy(order({ path: "/", to: path.join(root, "x") }), () => undefined, never),
  ).rejects.toMatchObject({ found: "it lies within the snapshot itself" });
});

/** A copy in a process of its own, which can be killed. */
const copier = `
import { writeSync } from "node:fs";
import { cloneFiles } from ${JSON.stringify(path.resolve("src/host/clone-files.ts"))};
const order = JSON.parse(process.argv[2]);
const limits = { batch: { bytes: 100_000, entries: 4 }, stall: 30_000 };
const result = await cloneFiles(limits).copy(order, (now) => writeSync(1, "."), new AbortController().signal);
writeSync(1, JSON.stringify(result));
`;

test("a copy that is killed at any instant is continued by the same order, and nothing of it is left", async (context) => {
  need(context, oddTreeCan, oddTreeNeed);
  const { root, home, order } = await ground();
  makeOddTree(root);
  const before = everythingOf(root);
  const script = path.join(home, "copier.ts");
  await writeFile(script, copier);
  const [program = "", ...words] = node;
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
  console.log(`killed copies: seed ${seed}`);
  const chance = chanceOf(seed);
  let continued = 0;
  const rounds = process.env["SOAK"] === undefined ? 6 : 60;
  for (let round = 0; round < rounds; round++) {
    const to = path.join(home, `copy-${round}`);
    const asked = JSON.stringify(order({ to }));
    const child = spawn(program, [...words, script, asked], { stdio: ["ignore", "pipe", "inherit"] });
    // At some step of the copying, the first one surely; every other time some moment after the first step.
    const fatal = round === 0 ? 0 : Math.floor(chance() * 24);
    const later = round % 2 === 0 ? undefined : chance() * 400;
    let dots = 0;
    child.stdout.on("data", (text: Buffer) => {
      if (dots === 0 && later !== undefined) setTimeout(() => child.kill("SIGKILL"), later);
      dots += text.length;
      if (later === undefined && dots > fatal) child.kill("SIGKILL");
    });
    await once(child, "close");
    const again = spawnSync(program, [...words, script, asked], { encoding: "utf8" });
    // Either it was done, and is not done twice, or it goes on.
    if (again.status === 0) continued += again.stdout.includes('"continued":true') ? 1 : 0;
    else expect(again.stderr).toContain("is there already");
    expect(everythingOf(home, `copy-${round}`)).toBe(before);
    expect(await leftIn(home), `seed ${seed}, round ${round}`).toEqual([]);
  }
  expect(continued).toBeGreaterThan(0);
}, 300_000);

test("a stage that others could have written to is not continued", async () => {
  const { root, home, order } = await ground();
  await writeFile(path.join(root, "tree"), "content");
  const controller = new AbortController();
  await expect(files.copy(order({}), () => controller.abort(), controller.signal)).rejects.toMatchObject({
    kind: "interrupted",
  });
  const [stage = expect.fail("no stage")] = await leftIn(home);
  await chmod(path.join(home, stage), 0o777);
  await expect(files.copy(order({}), () => undefined, never)).rejects.toMatchObject({ kind: "refused" });
  await chmod(path.join(home, stage), 0o700);
  expect((await files.copy(order({}), () => undefined, never)).continued).toBe(true);
});

test("a listing is what ls shows, and a content goes out byte by byte to whoever still reads", async () => {
  const { root, home } = await ground();
  await mkdir(path.join(root, "d"));
  await writeFile(Buffer.concat([Buffer.from(path.join(root, "d/odd\n")), Buffer.from([0xff])]), "");
  await writeFile(path.join(root, "d/file"), "x", { mode: 0o640 });
  await link(path.join(root, "d/file"), path.join(root, "d/hard"));
  await symlink("file", path.join(root, "d/link"));
  const found = await files.list(root, "/d", never);
  expect(found.map(({ name, kind, links, target }) => ({ name, kind, links, target }))).toEqual([
    { name: "file", kind: "file", links: 2, target: undefined },
    { name: "hard", kind: "file", links: 2, target: undefined },
    { name: "link", kind: "link", links: 1, target: "file" },
    { name: "odd\n\ufffd", kind: "file", links: 1, target: undefined },
  ]);
  expect(found[0]).toMatchObject({ mode: 0o640, uid: 0, size: 1 });
  expect(found[3]?.bytes).toBe("6f64640aff");
  expect(await files.list(root, "/d/link", never)).toMatchObject([{ name: "link", kind: "link" }]);
  await expect(files.list(root, "/none", never)).rejects.toMatchObject({
    kind: "not-found",
    found: "there is no /none",
  });
  const binary = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index & 0xff));
  await writeFile(path.join(root, "binary"), binary);
  const out = openSync(path.join(home, "out"), "w");
  await files.cat(root, "/binary", out, never);
  closeSync(out);
  expect((await readFile(path.join(home, "out"))).equals(binary)).toBe(true);
  await expect(files.cat(root, "/d", 1, never)).rejects.toMatchObject({ found: "it is a directory" });
  // A reader that goes after the first bytes.
  await writeFile(path.join(root, "long"), Buffer.alloc(8_000_000, "y"));
  const reader = spawn("head", ["-c", "10"], { stdio: ["pipe", "ignore", "ignore"] });
  const pipe = (reader.stdin as unknown as { _handle: { fd: number } })._handle.fd;
  await files.cat(root, "/long", pipe, never);
});
