import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type FreezeOptions, freezeHook } from "../../src/hooks/fsfreeze.ts";
import { folder } from "../host/places.ts";
import {
  type Context,
  type Disk,
  diskOf,
  freezeByHand,
  guardOf,
  hindrance,
  isFrozen,
  ledgerText,
  processesWith,
  thawByHand,
  thawedWithin,
} from "./freeze-lab.ts";
import { AgentProcess, brisk, kill, wavesOf } from "./freeze-process.ts";
import { PidsGroup, pidsHindrance } from "./pids-group.ts";

const facts = { job: "default", run: "r", trigger: "manual", instanceId: "i-0", volumes: [] };
const never = new AbortController().signal;
/** For processes to be started on a busy machine. Milliseconds. */
const slack = 1_000;
const real = spawnSync("sh", ["-c", "command -v fsfreeze"], { encoding: "utf8" }).stdout.trim();

async function prepared(context: Context, waves: FreezeOptions["waves"], more: Partial<FreezeOptions> = {}) {
  const runtimeDirectory = more.runtimeDirectory ?? (await folder());
  const options = { ...brisk, waves, onFailure: "abort", agent: { pid: process.pid }, ...more } as const;
  const hook = await freezeHook({ ...options, runtimeDirectory }).prepare(facts, never);
  context.onTestFinished(() => hook.close());
  return { hook, runtimeDirectory };
}

/** An fsfreeze that does something first, for `-f` or `-u`; all other programs are the system's. */
async function programs(script: string): Promise<string[]> {
  const directory = await folder();
  writeFileSync(path.join(directory, "fsfreeze"), `#!/bin/sh\n${script}\nexec ${real} "$@"\n`, {
    mode: 0o755,
  });
  return [directory, "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
}

/** A disk whose freeze hangs, in a way that no signal ends, from when the hook is warm until `below` is thawed. */
async function stalled(context: Context) {
  const below = await diskOf(context);
  const disk = await diskOf(context, "ext4", below.path);
  const warm = async (): Promise<void> => {
    await sleep(300);
    // Something to write back that no sync has seen, on a disk that does not take it.
    writeFileSync(path.join(disk.path, "dirty"), Buffer.alloc(1 << 20));
    freezeByHand(below);
  };
  return { below, disk, warm };
}

/** Whether a write ends soon, which tells what no question about a freeze can while one hangs. */
async function thawedSoon({ path: mount }: Disk, limit: number): Promise<void> {
  const end = performance.now() + limit;
  for (;;) {
    if (spawnSync("timeout", ["0.2", real, "-f", mount]).status === 0) {
      thawByHand({ path: mount, superblock: "" });
      return;
    }
    if (performance.now() > end) expect.fail(`${mount} is frozen after ${limit} ms`);
    await sleep(20);
  }
}

describe.skipIf(hindrance !== undefined)(`a freeze that hangs${hindrance ? ` (${hindrance})` : ""}`, () => {
  test("is told as such, keeps its rescuers when all is closed, and is thawed when it ends", async (context) => {
    const { below, disk, warm } = await stalled(context);
    const theirs = await diskOf(context);
    const { hook, runtimeDirectory } = await prepared(context, wavesOf([disk]), { warm, answerTimeout: 300 });
    await expect(hook.hold(never)).rejects.toMatchObject({
      found: expect.stringMatching(
        /NOT ALL IS THAWED.*its freeze hangs in the system; IT MAY BE FROZEN STILL/,
      ),
    });
    await hook.close();
    expect(processesWith(`${runtimeDirectory}/`), "the rescuers live").not.toEqual([]);
    // What gets the numbers of our descriptors now is frozen by somebody else.
    const opened = [1, 2, 3, 4, 5, 6].map(() => openSync(theirs.path, "r"));
    freezeByHand(theirs);
    await sleep(300);
    expect(thawByHand(below)).toBe(true);
    await thawedSoon(disk, slack);
    expect(thawByHand(theirs), "nobody thawed what is not ours").toBe(true);
    for (const one of opened) closeSync(one);
    expect(ledgerText(runtimeDirectory)).toMatch(/^(thawed|loose) 10$/m);
    expect(ledgerText(runtimeDirectory)).not.toContain("stuck");
  });

  test("is thawed when it ends, although the agent, the guard and the timer are killed", async (context) => {
    const { below, disk, warm } = await stalled(context);
    const { hook, runtimeDirectory } = await prepared(context, wavesOf([disk]), { warm, answerTimeout: 300 });
    await hook.hold(never).catch(() => undefined);
    await hook.close();
    const { guard, timer } = guardOf(runtimeDirectory);
    kill(guard, "SIGKILL");
    if (timer !== undefined) kill(timer, "SIGKILL");
    await sleep(200);
    expect(thawByHand(below)).toBe(true);
    await thawedSoon(disk, slack);
  });
});

describe.skipIf(hindrance !== undefined)("a thaw that fails", () => {
  test.each([["with the guard"], ["without the guard"]])(
    "is told, and tried until it succeeds, %s",
    async (how) => {
      const context = { onTestFinished: (await import("vitest")).onTestFinished };
      const disk = await diskOf(context);
      const obstacle = path.join(await folder(), "obstacle");
      writeFileSync(obstacle, "");
      const programDirectories = await programs(
        `[ "$1" = -u ] && [ -e ${obstacle} ] && { echo "fsfreeze: no luck" >&2; exit 1; }`,
      );
      const { hook, runtimeDirectory } = await prepared(context, wavesOf([disk]), {
        programDirectories,
        deadline: 20_000,
        answerTimeout: 400,
      });
      const held = await hook.hold(never);
      if (how === "without the guard") kill(guardOf(runtimeDirectory).guard, "SIGKILL");
      const { held: isHeld, problems } = await held.release(true);
      expect(isHeld).toBe(false);
      expect(problems.map(({ found }) => found).join("\n")).toMatch(/no luck; IT IS STILL FROZEN/);
      expect(problems.map(({ found }) => found).join("\n")).not.toContain("what was frozen has been thawed");
      expect(isFrozen(disk)).toBe(true);
      rmSync(obstacle);
      await thawedWithin([disk], slack);
      await hook.close();
      expect(readdirSync(runtimeDirectory)).toEqual([]);
    },
  );

  test("is tried again by who stays behind, when the agent could not wait", async (context) => {
    const disk = await diskOf(context);
    const obstacle = path.join(await folder(), "obstacle");
    writeFileSync(obstacle, "");
    const programDirectories = await programs(`[ "$1" = -u ] && [ -e ${obstacle} ] && exit 1`);
    const { hook } = await prepared(context, wavesOf([disk]), { programDirectories, answerTimeout: 400 });
    await hook.hold(never);
    await hook.close();
    expect(isFrozen(disk)).toBe(true);
    rmSync(obstacle);
    await thawedWithin([disk], slack);
  });
});

describe.skipIf(hindrance !== undefined)("a full runtime directory", () => {
  async function small({ onTestFinished }: Context): Promise<{ runtime: string; fill: string }> {
    const runtime = await folder();
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", runtime]).status).toBe(0);
    onTestFinished(() => void spawnSync("umount", ["-l", runtime]));
    return { runtime, fill: `dd if=/dev/zero of=${runtime}/filling bs=4k 2>/dev/null` };
  }

  test("when it is to freeze: nothing is frozen, and nothing thawed", async (context) => {
    const [mine, theirs] = [await diskOf(context), await diskOf(context)];
    const { runtime, fill } = await small(context);
    const warm = async (): Promise<void> => void spawnSync("sh", ["-c", fill]);
    const { hook } = await prepared(context, wavesOf([mine, theirs]), {
      runtimeDirectory: runtime,
      warm,
      syncTimeout: 1_000,
    });
    freezeByHand(theirs);
    await expect(hook.hold(never)).rejects.toMatchObject({
      found: expect.stringMatching(/no room for a file.*nothing was frozen/),
    });
    expect(isFrozen(mine)).toBe(false);
    expect(thawByHand(theirs), "nobody else thawed it").toBe(true);
  });

  test("while it freezes: the complaint has its room, and what others froze is not thawed", async (context) => {
    const [mine, theirs] = [await diskOf(context), await diskOf(context)];
    const { runtime, fill } = await small(context);
    const programDirectories = await programs(`[ "$1" = -u ] || ${fill}`);
    const { hook } = await prepared(context, wavesOf([mine, theirs]), {
      runtimeDirectory: runtime,
      programDirectories,
      syncTimeout: 1_000,
    });
    freezeByHand(theirs);
    await expect(hook.hold(never)).rejects.toMatchObject({
      kind: "locked",
      found: "it is frozen already by somebody else; it was left as it is",
    });
    expect(statSync(path.join(runtime, "filling")).size).toBeGreaterThan(0);
    expect(isFrozen(mine)).toBe(false);
    await hook.close();
    expect(thawByHand(theirs), "nobody else thawed it").toBe(true);
  });

  test("a freeze that fails without a word is no freeze of ours", async (context) => {
    const theirs = await diskOf(context);
    const programDirectories = await programs(`[ "$1" = -f ] && exit 1`);
    const { hook } = await prepared(context, wavesOf([theirs]), { programDirectories, syncTimeout: 1_000 });
    freezeByHand(theirs);
    await expect(hook.hold(never)).rejects.toMatchObject({ found: "ended with 1" });
    await hook.close();
    expect(thawByHand(theirs), "nobody else thawed it").toBe(true);
  });
});

const limits = hindrance ?? pidsHindrance;
describe.skipIf(limits !== undefined)(`no process to be had${limits ? ` (${limits})` : ""}`, () => {
  async function held(context: Context, deadline: number) {
    const disks = [await diskOf(context), await diskOf(context)];
    const group = new PidsGroup(context);
    const waves = wavesOf(...disks.map((disk) => [disk]));
    const agent = new AgentProcess(context, await folder(), { waves, deadline });
    group.add(agent.pid);
    expect(await agent.ask("prepare")).toEqual({ word: "prepared" });
    expect(await agent.ask("hold")).toMatchObject({ word: "held" });
    return { disks, group, agent };
  }

  test("a release thaws as ever", async (context) => {
    const { disks, group, agent } = await held(context, 20_000);
    group.limit(1);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: true, problems: [] } });
    expect(disks.map(isFrozen)).toEqual([false, false]);
  });

  test("the deadline thaws as ever", async (context) => {
    const { disks, group, agent } = await held(context, 1_000);
    group.limit(1);
    await thawedWithin(disks, 1_000 + slack);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: false } });
  });

  test.each(["agent", "guard"] as const)("the death of the %s thaws as ever", async (who) => {
    const context = { onTestFinished: (await import("vitest")).onTestFinished };
    const { disks, group, agent } = await held(context, 20_000);
    group.limit(1);
    kill(who === "agent" ? agent.pid : guardOf(agent.runtime).guard, "SIGKILL");
    await thawedWithin(disks, slack);
  });

  test("and nobody stands by any more: told as frozen, and thawed as soon as there is one", async (context) => {
    const { disks, group, agent } = await held(context, 20_000);
    group.limit(1);
    // Who is killed later would thaw for those killed before, were it not stopped.
    const session = agent.session();
    for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of session) kill(pid, signal);
    const { holding } = await agent.ask("release");
    const told = holding?.problems.map(({ found }) => found).join("\n");
    expect(told).toMatch(/NOT ALL IS THAWED\n.*EAGAIN.*IT IS STILL FROZEN/);
    expect(disks.map(isFrozen)).toEqual([true, true]);
    group.limit("max");
    await thawedWithin(disks, slack);
  });

  test.each([1, 2, 3, 4, 5])("to stand by, %i short of enough: nothing is frozen", async (short) => {
    const context = { onTestFinished: (await import("vitest")).onTestFinished };
    const disk = await diskOf(context);
    const group = new PidsGroup(context);
    const agent = new AgentProcess(context, await folder(), { waves: wavesOf([disk]), answerTimeout: 500 });
    group.add(agent.pid);
    expect(await agent.ask("prepare")).toEqual({ word: "prepared" });
    // The timer, its two sleeps, a thawer and who waits for it are five.
    const warm = group.count();
    group.limit(warm + 5 - short);
    expect(await agent.ask("hold")).toMatchObject({ word: "failed" });
    expect(isFrozen(disk)).toBe(false);
    group.limit("max");
    const begun = existsSync(agent.runtime) ? ledgerText(agent.runtime) : "";
    expect(begun).not.toContain("freezing");
    expect(await agent.ask("close")).toEqual({ word: "closed" });
  });
});
