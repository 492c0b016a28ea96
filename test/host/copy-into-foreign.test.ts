import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync } from "node:fs";
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { CopyOrder, CopyProgress } from "../../src/core/file-ports.ts";
import { cloneFiles } from "../../src/host/clone-files.ts";
import { makeStage, type Work } from "../../src/host/copy-stage.ts";
import { holdPlace } from "../../src/host/hold-place.ts";
import { MergedDirectories } from "../../src/host/merged-directories.ts";
import { folder, has, isLinux, isRoot, need } from "./places.ts";

const never = new AbortController().signal;
const nobody = 65534;
const files = cloneFiles({ batch: { bytes: 100_000, entries: 2 }, stall: 30_000 });
const stageName = /^\.ec2-backup-restore-[0-9a-f]{16}$/;

beforeEach((context) => need(context, isLinux && isRoot, "root on Linux"));

/** A tree of eight files in a clone, a directory that somebody else owns, and one that stands for /etc. */
async function ground() {
  const home = await folder();
  const root = await cloneIn(home, "root");
  const theirs = path.join(home, "theirs");
  await mkdir(path.join(theirs, "target"), { recursive: true });
  for (const one of [theirs, path.join(theirs, "target")]) await chown(one, nobody, nobody);
  const secret = path.join(home, "root-only");
  await mkdir(secret, { mode: 0o755 });
  const order = (more: Partial<CopyOrder> = {}): CopyOrder => ({
    root,
    path: "/tree",
    to: path.join(theirs, "target"),
    identity: "snap-1",
    existing: "keep",
    ...more,
  });
  return { home, root, theirs, secret, order };
}

async function cloneIn(home: string, name: string): Promise<string> {
  const root = path.join(home, name);
  await mkdir(path.join(root, "tree/sub"), { recursive: true });
  for (let index = 0; index < 8; index++)
    await writeFile(path.join(root, `tree/f${index}`), `content of ${name}`);
  for (const one of ["tree", "tree/sub"]) await chown(path.join(root, one), nobody, nobody);
  return root;
}

function stagesIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => stageName.test(name));
}

/** Does something once, at the first step of a copy at which it is due. */
function atStep(
  isDue: (now: CopyProgress) => boolean,
  act: () => void,
): { progress: (now: CopyProgress) => void; done: () => boolean } {
  let done = false;
  const progress = (now: CopyProgress): void => {
    if (done || !isDue(now)) return;
    done = true;
    act();
  };
  return { progress, done: () => done };
}

const halfway = ({ entries }: CopyProgress): boolean => entries >= 4;
const complete = ({ entries, ofEntries }: CopyProgress): boolean => entries === ofEntries;

test("whoever exchanges the stage of a copy gets nothing written elsewhere", async () => {
  const { theirs, secret, order } = await ground();
  const target = path.join(theirs, "target");
  const { progress, done } = atStep(halfway, () => {
    const [name = expect.fail("no stage")] = stagesIn(target);
    const stage = path.join(target, name);
    renameSync(stage, path.join(target, "aside"));
    mkdirSync(path.join(stage, "tree"), { recursive: true });
    symlinkSync(secret, path.join(stage, "tree/tree"));
    symlinkSync(path.join(secret, "lock"), path.join(stage, "copy.lock"));
  });
  const result = await files.copy(order(), progress, never);
  expect(done()).toBe(true);
  expect(await readdir(secret)).toEqual([]);
  expect((await readdir(target)).filter((name) => /^f\d$/.test(name))).toHaveLength(8);
  expect(await readdir(path.join(target, "aside"))).toEqual([]);
  expect(result.notes.join("\n")).toContain(`${target}/aside is left, empty`);
});

test("whoever exchanges the target by a link gets no directory elsewhere given away, nor anything in it", async () => {
  const { theirs, secret, order } = await ground();
  const target = path.join(theirs, "target");
  await mkdir(path.join(target, "sub"));
  const { progress, done } = atStep(complete, () => {
    renameSync(target, path.join(theirs, "aside"));
    symlinkSync(secret, target);
  });
  const result = await files.copy(order({ existing: "overwrite" }), progress, never);
  expect(done()).toBe(true);
  expect((await lstat(secret)).uid).toBe(0);
  expect(await readdir(secret)).toEqual([]);
  const aside = path.join(theirs, "aside");
  expect((await readdir(aside)).toSorted()).toEqual([
    ...Array.from({ length: 8 }, (_, index) => `f${index}`),
    "sub",
  ]);
  expect([(await lstat(aside)).uid, (await lstat(path.join(aside, "sub"))).uid]).toEqual([nobody, nobody]);
  expect(result.notes).toContain(`somebody has moved ${target} away meanwhile: the copy is in ${aside}`);
});

test("directories that others make under the name of a stage are not entered", async () => {
  const { home, theirs, order } = await ground();
  const target = path.join(theirs, "target");
  const victim = path.join(home, "passwd");
  await writeFile(victim, "root:x:0:0\n");
  // One is of an interrupted copy, but no longer of its user.
  const stopped = new AbortController();
  const stopping = atStep(halfway, () => stopped.abort()).progress;
  await expect(files.copy(order(), stopping, stopped.signal)).rejects.toMatchObject({ kind: "interrupted" });
  const [taken = expect.fail("no stage")] = stagesIn(target);
  await chown(path.join(target, taken), nobody, nobody);
  const planted = path.join(target, `.ec2-backup-restore-${"0".repeat(16)}`);
  await mkdir(planted);
  await chown(planted, nobody, nobody);
  for (const name of ["copy.lock", "state", "tree"]) await symlink(victim, path.join(planted, name));
  await symlink(home, path.join(target, `.ec2-backup-restore-${"1".repeat(16)}`));
  const result = await files.copy(order(), () => undefined, never);
  expect(result.continued).toBe(false);
  expect(await readFile(victim, "utf8")).toBe("root:x:0:0\n");
  expect((await readdir(planted)).toSorted()).toEqual(["copy.lock", "state", "tree"]);
  expect(result.notes).toContain(
    `${planted} and 1 more has a name like ours but another owner: it is left alone`,
  );
});

test("what root has left there, but of another copy, is told and not continued", async () => {
  const { home, root, order } = await ground();
  const other = await cloneIn(home, "other");
  const to = path.join(home, "copy");
  const interrupt = async (more: Partial<CopyOrder>): Promise<void> => {
    const stopped = new AbortController();
    const { progress } = atStep(halfway, () => stopped.abort());
    await expect(files.copy(order({ to, ...more }), progress, stopped.signal)).rejects.toMatchObject({
      kind: "interrupted",
    });
  };
  await interrupt({});
  const [first = expect.fail("no stage")] = stagesIn(home);
  const result = await files.copy(order({ to, root: other }), () => undefined, never);
  expect(result.continued).toBe(false);
  for (let index = 0; index < 8; index++)
    expect(await readFile(path.join(to, `f${index}`), "utf8")).toBe("content of other");
  expect(result.notes).toEqual([
    `${home}/${first} is of another copy that is not complete; if none is at work: rm -r ${home}/${first}`,
  ]);
  // The same words for a tree of which one file has been written again.
  await rename(to, `${to}-other`);
  await writeFile(path.join(root, "tree/f0"), "content of rOOt");
  expect((await files.copy(order({ to }), () => undefined, never)).continued).toBe(false);
  expect(await readFile(path.join(to, "f0"), "utf8")).toBe("content of rOOt");
  await rename(to, `${to}-new`);
  await interrupt({ identity: "snap-2" });
  expect((await files.copy(order({ to, identity: "snap-3" }), () => undefined, never)).continued).toBe(false);
  await rename(to, `${to}-third`);
  expect((await files.copy(order({ to, identity: "snap-2" }), () => undefined, never)).continued).toBe(true);
  expect(stagesIn(home)).toEqual([first]);
});

test("a directory that is exchanged after its content has come into it is not looked up again", async () => {
  const { root, theirs, secret, order } = await ground();
  const target = path.join(theirs, "target");
  await mkdir(path.join(target, "sub"));
  await using place = await holdPlace(target);
  const top = place.top ?? expect.fail("no target");
  const work: Work = {
    order: order({ existing: "overwrite" }),
    plan: { directories: [], batches: [], sockets: [], bytes: 0, entries: 0 },
    molds: () => Promise.resolve(root),
    name: "tree",
    place,
    key: "{}",
    manners: { batch: { bytes: 1, entries: 1 }, stall: 30_000 },
  };
  await using stage = await makeStage(work);
  await using merged = new MergedDirectories(work, stage, never);
  await merged.add({ path: "tree/sub", directory: await top.inside("sub") });
  await merged.add({ path: "tree", directory: await place.parent.inside("target") });
  await rename(path.join(target, "sub"), path.join(target, "aside"));
  await symlink(secret, path.join(target, "sub"));
  const finishTop = await merged.finish();
  expect((await lstat(path.join(target, "aside"))).uid).toBe(nobody);
  await rename(target, path.join(theirs, "away"));
  await symlink(secret, target);
  await chown(path.join(theirs, "away"), 1, 1);
  await finishTop();
  expect((await lstat(path.join(theirs, "away"))).uid).toBe(nobody);
  expect((await lstat(secret)).uid).toBe(0);
});

test("a stage at which another is at work is not entered; one in which nothing was begun is removed", async () => {
  const { home, order } = await ground();
  const to = path.join(home, "copy");
  const stopped = new AbortController();
  const { progress } = atStep(halfway, () => stopped.abort());
  await expect(files.copy(order({ to }), progress, stopped.signal)).rejects.toThrow("told to stop");
  const [name = expect.fail("no stage")] = stagesIn(home);
  const lock = path.join(home, name, "copy.lock");
  const other = spawn("flock", [lock, "sh", "-c", "echo locked; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(other.stdout, "data");
  await expect(files.copy(order({ to }), () => undefined, never)).rejects.toMatchObject({ kind: "locked" });
  const ended = once(other, "close");
  other.stdin.end();
  await ended;
  const begun = ["a", "b"].map((one) => path.join(home, `.ec2-backup-restore-${one.repeat(16)}`));
  for (const one of begun) await mkdir(one, { mode: 0o700 });
  await writeFile(path.join(begun[1] ?? "", "state.0a1b2c3d.new"), "");
  const result = await files.copy(order({ to }), () => undefined, never);
  expect(result).toMatchObject({ continued: true, notes: [] });
  expect(stagesIn(home)).toEqual([]);
});

test("links on the way to the target are followed only where nobody else can have made them", async () => {
  const { home, theirs, secret, order } = await ground();
  await symlink(secret, path.join(theirs, "link"));
  await expect(
    files.copy(order({ to: path.join(theirs, "link/a/b") }), () => undefined, never),
  ).rejects.toMatchObject({
    kind: "refused",
    found: `${theirs}/link is a link, and others than root can change it`,
  });
  expect(await readdir(secret)).toEqual([]);
  await mkdir(path.join(home, "own"));
  await symlink("../own/./deep/../in", path.join(secret, "link"));
  await chmod(home, 0o755);
  const result = await files.copy(
    order({ to: path.join(home, "root-only/link/a/b") }),
    () => undefined,
    never,
  );
  expect(result.to).toBe(path.join(home, "own/in/a/b"));
  expect((await readdir(result.to)).length).toBe(9);
  expect(lstatSync(path.join(home, "own/in/a")).isDirectory()).toBe(true);
});

/** Mounts a filesystem that is served by a program of nobody, or rather not: it never answers. */
const silent = `
import ctypes, os, sys
descriptor = os.open("/dev/fuse", os.O_RDWR)
options = "fd=%d,rootmode=40000,user_id=65534,group_id=65534,allow_other" % descriptor
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"silent", sys.argv[1].encode(), b"fuse", 0, options.encode()) != 0: sys.exit(os.strerror(ctypes.get_errno()))
print("mounted", flush=True)
sys.stdin.read()
libc.umount2(sys.argv[1].encode(), 2)
`;

test("a filesystem that a program of another user serves is not written to, nor even asked", async (context) => {
  need(context, existsSync("/dev/fuse") && has("python3"), "/dev/fuse and python3");
  const { home, order } = await ground();
  const at = path.join(home, "served");
  await mkdir(at);
  const server = spawn("python3", ["-c", silent, at], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    expect(String((await once(server.stdout, "data"))[0]).trim()).toBe("mounted");
    for (const to of [at, path.join(at, "copy"), path.join(at, "deep/copy")])
      await expect(files.copy(order({ to }), () => undefined, never)).rejects.toMatchObject({
        kind: "refused",
        found: `${at} is on a filesystem that a program of uid 65534 serves`,
      });
  } finally {
    const ended = once(server, "close");
    server.stdin.end();
    await ended;
  }
});

test("many directories that were there become what they were, also where the copy is continued", async () => {
  const { home, order } = await ground();
  const many = path.join(home, "many");
  const to = path.join(home, "back");
  for (let index = 0; index < 60; index++) {
    await mkdir(path.join(many, `tree/d${index}/inner`), { recursive: true });
    await writeFile(path.join(many, `tree/d${index}/inner/f`), "new");
    await chmod(path.join(many, `tree/d${index}/inner`), 0o711);
    await chmod(path.join(many, `tree/d${index}`), 0o710);
    await chown(path.join(many, `tree/d${index}`), index, index);
    await mkdir(path.join(to, `d${index}/inner`), { recursive: true });
    await writeFile(path.join(to, `d${index}/inner/f`), "old");
  }
  // Stopped once all is complete, in the middle of being put into place.
  const stopped = new AbortController();
  const { progress } = atStep(complete, () => setTimeout(() => stopped.abort(), 30));
  const asked = order({ root: many, to, existing: "overwrite" });
  const first = await files.copy(asked, progress, stopped.signal).catch(() => undefined);
  if (first === undefined) expect((await files.copy(asked, () => undefined, never)).continued).toBe(true);
  for (let index = 0; index < 60; index++) {
    const [was, is] = [many, to].map((one) => path.join(one, one === many ? `tree/d${index}` : `d${index}`));
    for (const below of ["", "inner"]) {
      const [a, b] = await Promise.all(
        [was, is].map((one) => lstat(path.join(one ?? "", below), { bigint: true })),
      );
      expect([b?.uid, b?.mode, b?.mtimeNs]).toEqual([a?.uid, a?.mode, a?.mtimeNs]);
    }
    expect(await readFile(path.join(is ?? "", "inner/f"), "utf8")).toBe("new");
  }
  expect((await lstat(to)).mtimeMs).toBe((await lstat(path.join(many, "tree"))).mtimeMs);
  expect(stagesIn(to)).toEqual([]);
});
