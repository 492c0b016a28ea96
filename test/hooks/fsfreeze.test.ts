import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type FreezeOptions, freezeHook } from "../../src/hooks/fsfreeze.ts";
import { mountTable } from "../../src/host/mount-descriptors.ts";
import { folder, has } from "../host/places.ts";
import {
  type Context,
  type Disk,
  diskOf,
  freezeByHand,
  hindrance,
  isFrozen,
  modeOf,
  processesWith,
  thawByHand,
  Writer,
} from "../system/freeze-lab.ts";
import { AgentProcess, brisk, wavesOf } from "../system/freeze-process.ts";

const facts = { job: "default", run: "r", trigger: "manual", instanceId: "i-0", volumes: [] };
const never = new AbortController().signal;

async function hookOf(
  waves: FreezeOptions["waves"],
  more: Partial<FreezeOptions> = {},
): Promise<FreezeOptions> {
  const runtimeDirectory = path.join(await folder(), "runtime");
  return { ...brisk, waves, onFailure: "abort", agent: { pid: process.pid }, runtimeDirectory, ...more };
}

/** A prepared hook in this very process, which is closed when the test ends. */
async function prepared(context: Context, options: FreezeOptions) {
  const hook = await freezeHook(options).prepare(facts, never);
  context.onTestFinished(() => hook.close());
  return hook;
}

function superblockAt(mount: string): string {
  return mountTable().findLast((one) => one.path === mount)?.superblock ?? expect.fail(`no mount ${mount}`);
}

/** Whether nothing of a guard is left: no process, no ledger. */
function expectNothingLeft(runtime: string): void {
  expect(processesWith(`${runtime}/`)).toEqual([]);
  expect(readdirSync(runtime)).toEqual([]);
}

describe.skipIf(hindrance !== undefined)(`the freeze hook${hindrance ? ` (${hindrance})` : ""}`, () => {
  test.each(["ext4", "xfs", "btrfs"] as const)(
    "holds %s still for as long as it says, and no writer stood still for longer",
    async (filesystem) => {
      const context = await contextOf();
      const disk = await diskOf(context, filesystem);
      const writer = await Writer.start(context, disk);
      const agent = new AgentProcess(context, await folder(), { waves: wavesOf([disk]), deadline: 10_000 });
      await agent.hold();
      expect(isFrozen(disk)).toBe(true);
      await sleep(1_500);
      const { holding } = await agent.ask("release");
      expect(isFrozen(disk)).toBe(false);
      expect(holding).toMatchObject({ held: true, problems: [], frozen: { mounts: [disk.path] } });
      const stall = await writer.longestStall();
      expect(stall).toBeGreaterThan(1_500);
      // On a busy machine the writer is woken late, which is none of the freeze's time.
      expect(holding?.frozen?.ms).toBeGreaterThanOrEqual(stall - 500);
      expect(await agent.ask("close")).toEqual({ word: "closed" });
      expectNothingLeft(agent.runtime);
    },
  );

  test("freezes again after a thaw, each time with a deadline of its own", async (context) => {
    const disk = await diskOf(context);
    const options = await hookOf(wavesOf([disk]), { deadline: 1_500 });
    const hook = await prepared(context, options);
    for (let round = 0; round < 3; round++) {
      const held = await hook.hold(never);
      await sleep(700);
      expect(isFrozen(disk), `round ${round}`).toBe(true);
      expect(await held.release(true)).toMatchObject({ held: true, problems: [] });
      expect(isFrozen(disk)).toBe(false);
    }
    await hook.close();
    expectNothingLeft(options.runtimeDirectory);
  });

  test("freezes wave by wave, a filesystem on a loop device before the one below it", async (context) => {
    const below = await diskOf(context, "xfs");
    const above = await diskOf(context, "ext4", below.path);
    const beside = await diskOf(context, "ext4");
    writeFileSync(path.join(above.path, "dirty"), Buffer.alloc(4 << 20));
    const hook = await prepared(
      context,
      await hookOf(wavesOf([above, beside], [below]), { deadline: 5_000 }),
    );
    const held = await hook.hold(never);
    for (const disk of [above, beside, below]) expect(isFrozen(disk), disk.path).toBe(true);
    const holding = await held.release(true);
    expect(holding).toMatchObject({ held: true, problems: [] });
    expect(holding.frozen?.mounts).toEqual([above.path, beside.path, below.path]);
    for (const disk of [above, beside, below]) expect(isFrozen(disk), disk.path).toBe(false);
  });

  test("the mounts of a wave are frozen side by side", async (context) => {
    const disks = await Promise.all([1, 2, 3, 4].map(() => diskOf(context)));
    const slow = await slowPrograms(1);
    const hook = await prepared(
      context,
      await hookOf(wavesOf(disks), { deadline: 10_000, programDirectories: slow }),
    );
    const begun = performance.now();
    await (await hook.hold(never)).release(true);
    expect(performance.now() - begun).toBeLessThan(4 * 1_000);
  });

  test("a thaw that hangs keeps no other back", async (context) => {
    const [quick, slow] = [await diskOf(context), await diskOf(context)];
    const found = spawnSync("sh", ["-c", "command -v fsfreeze"], { encoding: "utf8" }).stdout.trim();
    const hang = `[ "$1$(readlink "$2")" != "-u${slow.path}" ] || sleep 1`;
    const programDirectories = [await programsBut("fsfreeze", `#!/bin/sh\n${hang}\nexec ${found} "$@"\n`)];
    const waves = wavesOf([quick], [slow]);
    const hook = await prepared(context, await hookOf(waves, { programDirectories, deadline: 10_000 }));
    const released = (await hook.hold(never)).release(true);
    await sleep(500);
    expect([quick, slow].map(isFrozen)).toEqual([false, true]);
    expect(await released).toMatchObject({ held: true });
  });

  test("a deadline that was called off keeps nobody waiting", async (context) => {
    const hook = await prepared(
      context,
      await hookOf(wavesOf([await diskOf(context)]), { deadline: 20_000 }),
    );
    const begun = performance.now();
    for (let round = 0; round < 2; round++) await (await hook.hold(never)).release(true);
    await hook.close();
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test("what somebody else froze is told, left as it is, and everything else is thawed", async (context) => {
    const [mine, theirs] = [await diskOf(context), await diskOf(context)];
    const options = await hookOf(wavesOf([mine], [theirs]), { syncTimeout: 1_000 });
    const hook = await prepared(context, options);
    freezeByHand(theirs);
    await expect(hook.hold(never)).rejects.toMatchObject({
      kind: "locked",
      doing: `freeze ${theirs.path}`,
      found: "it is frozen already by somebody else; it was left as it is",
      code: "EBUSY",
    });
    expect(isFrozen(mine)).toBe(false);
    expect(isFrozen(theirs)).toBe(true);
    await hook.close();
    expect(thawByHand(theirs), "nobody else thawed it").toBe(true);
    expectNothingLeft(options.runtimeDirectory);
  });

  test("a filesystem that cannot be frozen is named, and what stood still is thawed", async (context) => {
    const disk = await diskOf(context);
    const shm = { path: "/dev/shm", superblock: superblockAt("/dev/shm") };
    const hook = await prepared(context, await hookOf(wavesOf([disk], [shm])));
    await expect(hook.hold(never)).rejects.toMatchObject({
      kind: "configuration",
      doing: "freeze /dev/shm",
      found: "its filesystem cannot be frozen (Operation not supported)",
      remedy: "leave the mount out of the freeze",
    });
    expect(isFrozen(disk)).toBe(false);
    // The same hook may be asked again, and says the same.
    await expect(hook.hold(never)).rejects.toMatchObject({ kind: "configuration" });
    expect(isFrozen(disk)).toBe(false);
  });

  test("thaws through what it has open, although the path was unmounted and mounted over", async (context) => {
    const disk = await diskOf(context);
    const other = path.join(await folder(), "other");
    mkdirSync(other);
    spawnSync("mount", ["--bind", disk.path, other]);
    context.onTestFinished(() => void spawnSync("umount", ["-l", other]));
    const there = { path: other, superblock: disk.superblock };
    const hook = await prepared(context, await hookOf(wavesOf([there]), { deadline: 10_000 }));
    const held = await hook.hold(never);
    expect(spawnSync("umount", ["-l", other]).status).toBe(0);
    expect(spawnSync("mount", ["-t", "tmpfs", "tmpfs", other]).status).toBe(0);
    expect(isFrozen(disk)).toBe(true);
    expect(await held.release(true)).toMatchObject({ held: true });
    expect(isFrozen(disk)).toBe(false);
  });

  test("a thaw by somebody else means that it was not held", async (context) => {
    const disk = await diskOf(context);
    const hook = await prepared(context, await hookOf(wavesOf([disk])));
    const held = await hook.hold(never);
    expect(thawByHand(disk)).toBe(true);
    const holding = await held.release(true);
    expect(holding.held).toBe(false);
    expect(holding.problems).toMatchObject([
      { found: "it was thawed before, at the deadline or by somebody else" },
    ]);
  });

  test("an abort ends the hold and leaves nothing frozen", async (context) => {
    const disk = await diskOf(context);
    const late = new AbortController();
    const warm = async (): Promise<void> => late.abort();
    const hook = await prepared(context, await hookOf(wavesOf([disk]), { warm }));
    await expect(hook.hold(late.signal)).rejects.toMatchObject({ kind: "interrupted" });
    expect(isFrozen(disk)).toBe(false);
    const inTheMidst = new AbortController();
    const slow = await prepared(
      context,
      await hookOf(wavesOf([disk]), { programDirectories: await slowPrograms(0.5), deadline: 5_000 }),
    );
    setTimeout(() => inTheMidst.abort(), 300);
    await expect(slow.hold(inTheMidst.signal)).rejects.toMatchObject({ kind: "interrupted" });
    expect(isFrozen(disk)).toBe(false);
  });

  test("closing without a release thaws", async (context) => {
    const disk = await diskOf(context);
    const options = await hookOf(wavesOf([disk]), { deadline: 10_000 });
    const hook = await prepared(context, options);
    await hook.hold(never);
    await hook.close();
    expect(isFrozen(disk)).toBe(false);
    expectNothingLeft(options.runtimeDirectory);
  });

  test("warms while it writes back, and a failure of either freezes nothing", async (context) => {
    const disk = await diskOf(context);
    const seen: boolean[] = [];
    const warm = async (): Promise<void> => {
      seen.push(isFrozen(disk));
      throw new Error("no connection");
    };
    const hook = await prepared(context, await hookOf(wavesOf([disk]), { warm }));
    await expect(hook.hold(never)).rejects.toThrow("no connection");
    expect(seen).toEqual([false]);
    expect(isFrozen(disk)).toBe(false);
  });

  test("a disk that is too slow to be written back is not frozen, and nobody waits for it", async (context) => {
    const below = await diskOf(context);
    const disk = await diskOf(context, "ext4", below.path);
    const hook = await prepared(context, await hookOf(wavesOf([disk]), { syncTimeout: 300 }));
    const file = openSync(path.join(disk.path, "dirty"), "w");
    writeSync(file, Buffer.alloc(1 << 20));
    closeSync(file);
    freezeByHand(below);
    const begun = performance.now();
    await expect(hook.hold(never)).rejects.toMatchObject({
      doing: `write back ${disk.path} before the freeze`,
      found: "it took longer than 300 ms; nothing was frozen",
    });
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(thawByHand(below)).toBe(true);
    expect(isFrozen(disk)).toBe(false);
  });

  test("a freeze that hangs beyond the deadline is thawed when it ends", async (context) => {
    const [below, quick] = [await diskOf(context), await diskOf(context)];
    const disk = await diskOf(context, "ext4", below.path);
    const warm = async (): Promise<void> => {
      await sleep(200);
      // Something to write back that no sync has seen, on a disk that does not take it.
      writeFileSync(path.join(disk.path, "dirty"), Buffer.alloc(1 << 20));
      freezeByHand(below);
    };
    const options = await hookOf(wavesOf([quick], [disk]), { warm, deadline: 500, answerTimeout: 300 });
    const hook = await prepared(context, options);
    await expect(hook.hold(never)).rejects.toMatchObject({
      found: expect.stringContaining("said nothing for"),
    });
    expect(isFrozen(quick), "what was frozen in time is not kept by what hangs").toBe(false);
    await sleep(300);
    expect(thawByHand(below)).toBe(true);
    // Only when it is let go can it freeze; somebody must still be there to thaw it.
    await until(() => canWrite(disk), 3_000);
    expect(isFrozen(disk)).toBe(false);
    await hook.close();
    expectNothingLeft(options.runtimeDirectory);
  });
});

describe.skipIf(hindrance !== undefined)("a guard that cannot start freezes nothing", () => {
  const failing = async (context: Context, more: Partial<FreezeOptions>, disk?: Disk): Promise<unknown> => {
    const one = disk ?? (await diskOf(context));
    const options = await hookOf(wavesOf([one]), more);
    const problem = await freezeHook(options)
      .prepare(facts, never)
      .then(
        () => expect.fail("it was prepared"),
        (error: unknown) => error,
      );
    expect(isFrozen(one)).toBe(false);
    return problem;
  };

  test.each(["fsfreeze", "sh", "flock", "sleep", "mkfifo", "sync"])("without %s", async (missing) => {
    const context = await contextOf();
    const directory = await programsBut(missing);
    expect(await failing(context, { programDirectories: [directory] })).toMatchObject({
      kind: "configuration",
      doing: `find the program ${missing}`,
      found: `nothing of that name in ${directory}`,
      remedy: expect.stringMatching(/^install (util-linux|coreutils|a POSIX shell)$/),
    });
  });

  test("where the runtime directory cannot be made", async (context) => {
    const file = path.join(await folder(), "file");
    writeFileSync(file, "");
    const problem = await failing(context, { runtimeDirectory: path.join(file, "runtime") });
    expect(problem).toMatchObject({ kind: "cannot-write", code: "ENOTDIR" });
  });

  test("where others can write to the runtime directory", async (context) => {
    const open = path.join(await folder(), "open");
    spawnSync("mkdir", ["-m", "0777", open]);
    const problem = await failing(context, { runtimeDirectory: open });
    expect(problem).toMatchObject({ kind: "cannot-write", found: "others can write to it" });
  });

  test("where the ledger would be on what is to be frozen", async (context) => {
    const disk = await diskOf(context);
    const runtimeDirectory = path.join(disk.path, "runtime");
    expect(await failing(context, { runtimeDirectory }, disk)).toMatchObject({
      kind: "configuration",
      doing: `freeze ${disk.path}`,
      found: expect.stringMatching(/is on that filesystem, and without it nothing could be thawed$/),
    });
    expect(readdirSync(runtimeDirectory)).toEqual([]);
  });

  test("where another filesystem is there than was planned", async (context) => {
    const [disk, other] = [await diskOf(context), await diskOf(context)];
    const mistaken = { path: disk.path, superblock: other.superblock };
    const problem = await failing(context, { waves: [[mistaken]] }, disk);
    expect(problem).toMatchObject({
      kind: "not-found",
      found: `it is on the device ${disk.superblock} now, and was to be on ${other.superblock}`,
    });
  });

  test("where the shell says nothing, or ends", async (context) => {
    const silent = await programsBut("sh", "#!/bin/bash\nexec sleep 30\n");
    expect(await failing(context, { programDirectories: [silent], startTimeout: 200 })).toMatchObject({
      doing: "start the guard that thaws",
      found: `${silent}/sh said nothing for 200 ms`,
    });
    const broken = await programsBut("sh", "#!/bin/bash\nexit 7\n");
    expect(await failing(context, { programDirectories: [broken] })).toMatchObject({
      found: `${broken}/sh ended with 7`,
    });
    const foreign = await programsBut("sh", "no program\n");
    expect(await failing(context, { programDirectories: [foreign] })).toMatchObject({
      found: expect.stringContaining("/sh"),
    });
  });
});

describe.skipIf(hindrance !== undefined)("the ledger", () => {
  test("is for its owner alone to read", async (context) => {
    const options = await hookOf(wavesOf([await diskOf(context)]));
    await prepared(context, options);
    expect(modeOf(options.runtimeDirectory)).toBe(0o700);
    const [name = ""] = readdirSync(options.runtimeDirectory);
    expect(modeOf(path.join(options.runtimeDirectory, name))).toBe(0o700);
    expect(modeOf(path.join(options.runtimeDirectory, name, "ledger"))).toBe(0o600);
  });
});

describe.skipIf(hindrance !== undefined)("the guard understands every shell", () => {
  test.each([
    ["dash", "dash"],
    ["bash", "bash"],
    ["busybox", "busybox"],
  ])("%s", async (_, shell) => {
    const context = await contextOf();
    if (!has(shell)) {
      if (process.env["CI"] === "true") expect.fail(`${shell} is missing, and in CI nothing is left out`);
      return;
    }
    const found = spawnSync("sh", ["-c", `command -v ${shell}`], { encoding: "utf8" }).stdout.trim();
    const directory = await folder();
    symlinkSync(found, path.join(directory, "sh"));
    const [disk, second] = [await diskOf(context), await diskOf(context)];
    const programDirectories = [directory, "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    const options = await hookOf(wavesOf([disk], [second]), { programDirectories });
    const hook = await prepared(context, options);
    expect(await (await hook.hold(never)).release(true)).toMatchObject({ held: true });
    freezeByHand(second);
    await expect(hook.hold(never)).rejects.toMatchObject({ kind: "locked" });
    expect(isFrozen(disk)).toBe(false);
    expect(thawByHand(second)).toBe(true);
    const late = await hook.hold(never);
    await sleep(1_300);
    expect(isFrozen(disk), "the deadline thaws").toBe(false);
    expect(await late.release(true)).toMatchObject({ held: false });
    await hook.hold(never);
    await hook.close();
    expect(isFrozen(second)).toBe(false);
    expectNothingLeft(options.runtimeDirectory);
  });
});

const needed = ["sh", "fsfreeze", "flock", "sleep", "mkfifo", "sync"];

/** A directory with all programs that the hook needs, but one: that one is absent, or is the given script. */
async function programsBut(missing: string, script?: string): Promise<string> {
  const directory = await folder();
  for (const name of needed.filter((one) => one !== missing)) {
    const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
    symlinkSync(found, path.join(directory, name));
  }
  if (script !== undefined) writeFileSync(path.join(directory, missing), script, { mode: 0o755 });
  return directory;
}

/** An fsfreeze that thinks for some seconds before it freezes. */
async function slowPrograms(seconds: number): Promise<string[]> {
  const found = spawnSync("sh", ["-c", "command -v fsfreeze"], { encoding: "utf8" }).stdout.trim();
  const script = `#!/bin/sh\n[ "$1" = -u ] || sleep ${seconds}\nexec ${found} "$@"\n`;
  return [await programsBut("fsfreeze", script)];
}

async function contextOf(): Promise<Context> {
  const { onTestFinished } = await import("vitest");
  return { onTestFinished };
}

/** Whether a write ends soon; one that does not is left behind until it can. */
async function canWrite({ path: mount }: Disk): Promise<boolean> {
  const child = spawn("touch", [path.join(mount, "probe")], { stdio: "ignore" });
  return Promise.race([
    new Promise<boolean>((resolve) => child.once("exit", () => resolve(true))),
    sleep(200, false),
  ]);
}

async function until(holds: () => Promise<boolean>, patience: number): Promise<void> {
  const limit = performance.now() + patience;
  while (!(await holds())) if (performance.now() > limit) expect.fail("it never came to that");
}
