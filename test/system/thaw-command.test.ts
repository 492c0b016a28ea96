import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { need } from "../host/places.ts";
import type { Ended } from "./bench.ts";
import { DaemonProcess, farAway } from "./daemon-process.ts";
import { type Context, guardOf, ledgerText, sessionOf } from "./freeze-lab.ts";
import { kill } from "./freeze-process.ts";
import { fsfreeze, HoldBench, isFrozen } from "./hold-bench.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";

beforeEach((context) => need(context, loopDisksCan, loopDisksNeed));

interface Scene {
  readonly bench: HoldBench;
  readonly mount: string;
}

const freeze = { freeze: { mounts: "data", deadline: "30s" } };

async function scene(context: Context, job: object = {}): Promise<Scene> {
  const { bench, mounts } = await HoldBench.start(context, "ext4");
  const waits = { request: "30s", capture: "30s", retryFor: "1s", retryEvery: "50ms", reconcileFor: "1s" };
  await bench.configure([freeze], { waits, ...job });
  return { bench, mount: mounts[0] ?? "" };
}

/** Waits for a run that stands at its capture; gives the processes that hold still for it. */
async function standing({ bench }: Scene): Promise<{ agent: number; session: number[] }> {
  const limit = performance.now() + 20_000;
  for (;;) {
    const text = readdirSync(bench.folder).includes("run") ? ledgerText(bench.runtime) : "";
    if (/^frozen \d+/m.test(text)) break;
    if (performance.now() > limit) expect.fail(`nothing was frozen: ${text}`);
    await sleep(20);
  }
  const text = ledgerText(bench.runtime);
  return {
    agent: Number(/^agent (\d+)/m.exec(text)?.[1]),
    session: sessionOf(guardOf(bench.runtime).guard),
  };
}

/** A run that stands at its capture. */
async function frozenRun(one: Scene): Promise<{ pid: number; session: number[]; ended: Promise<Ended> }> {
  one.bench.control.faults([{ kind: "hang", action: "CreateSnapshots", dryRun: false }]);
  let pid = 0;
  const onStart = (started: number): void => {
    pid = started;
  };
  const ended = one.bench.execute(["run", "--json"], { onStart });
  const { session } = await standing(one);
  return { pid, session, ended };
}

/** All at once, so that nobody thaws for another: the guard cannot see the agent's end while it is stopped. */
function killAll(pids: readonly number[]): void {
  for (const pid of pids) kill(pid, "SIGSTOP");
  for (const pid of pids) kill(pid, "SIGKILL");
}

const ledgersOf = ({ stdout }: Ended) =>
  (JSON.parse(stdout) as { exitCode: number; ledgers: { state: string; mounts: object[] }[] }).ledgers;

describe.concurrent("ec2-backup thaw", () => {
  test("with nothing to do says so", async (context) => {
    const { bench } = await scene(context);
    for (const words of [["thaw"], ["thaw", "--leftovers"]]) {
      const { code, stdout } = await bench.execute(words);
      expect([code, stdout]).toEqual([0, "Nothing was frozen by us.\n"]);
    }
    const json = await bench.execute(["thaw", "--json"]);
    expect(JSON.parse(json.stdout)).toEqual({ version: 1, exitCode: 0, ledgers: [] });
  });

  test.for([{ words: ["thaw"] }, { words: ["thaw", "--leftovers"] }])(
    "$words thaws what an agent left that was killed with its guard, once",
    async ({ words }, context) => {
      const one = await scene(context);
      const { pid, session, ended } = await frozenRun(one);
      killAll([pid, ...session]);
      expect((await ended).signal).toBe("SIGKILL");
      await sleep(300);
      expect(isFrozen(one.mount)).toBe(true);
      const { code, stdout } = await one.bench.execute(words);
      expect(isFrozen(one.mount)).toBe(false);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^${one.mount} +thawed`, "m"));
      const again = await one.bench.execute(words);
      expect([again.code, again.stdout]).toEqual([0, "Nothing was frozen by us.\n"]);
    },
  );

  test("tells the same as JSON", async (context) => {
    const one = await scene(context);
    const { pid, session, ended } = await frozenRun(one);
    killAll([pid, ...session]);
    await ended;
    const told = await one.bench.execute(["thaw", "--json"]);
    expect(told.code).toBe(0);
    expect(ledgersOf(told)).toMatchObject([
      { state: "done", mounts: [{ path: one.mount, outcome: "thawed" }] },
    ]);
  });

  test("leaves a guard that lives alone with --leftovers, and tells it to thaw without", async (context) => {
    const one = await scene(context);
    const { pid, ended } = await frozenRun(one);
    const left = await one.bench.execute(["thaw", "--leftovers", "--json"]);
    expect(isFrozen(one.mount)).toBe(true);
    expect(left.code).toBe(75);
    expect(ledgersOf(left)).toMatchObject([{ state: "in-use", mounts: [] }]);
    await one.bench.execute(["thaw"]);
    expect(isFrozen(one.mount)).toBe(false);
    kill(pid, "SIGKILL");
    await ended;
  });

  test("does not touch what somebody else froze", async (context) => {
    const { bench, mount } = await scene(context);
    expect(fsfreeze("-f", mount)).toBe(true);
    const { code } = await bench.execute(["thaw"]);
    const stays = isFrozen(mount);
    fsfreeze("-u", mount);
    expect([code, stays]).toEqual([0, true]);
  });

  test("is what the next run begins with, and the run tells it", async (context) => {
    const one = await scene(context);
    const { pid, session, ended } = await frozenRun(one);
    killAll([pid, ...session]);
    await ended;
    one.bench.control.clearFaults();
    const { code, report } = await one.bench.run();
    expect(isFrozen(one.mount)).toBe(false);
    expect(code).toBe(1);
    expect(report.points).toHaveLength(1);
    expect(report.stillness?.achieved).toBe("filesystem");
    expect(report.problems).toContainEqual(
      expect.objectContaining({
        code: "LeftBehind",
        found: expect.stringContaining(`${one.mount} thawed`),
      }),
    );
  });
});

/** A job whose slot was missed, so that a daemon begins with a run of it. */
async function withMissedSlot(context: Context): Promise<Scene> {
  const one = await scene(context, { schedule: farAway(), splay: "0s", retention: { last: 5 } });
  const slot = new Date(Date.now() - 2 * 86_400_000).toISOString();
  const { code, stderr } = await one.bench.execute(["run", "default", "--slot", slot]);
  expect(code, stderr).toBe(0);
  await one.bench.within.tomorrow();
  const text = await readFile(one.bench.config, "utf8");
  await one.bench.write(text.replace('"version": 1', '"version": 1, "daemon": { "bootDelay": "0s" }'));
  return one;
}

const env = ({ bench }: Scene) => ({ RUNTIME_DIRECTORY: bench.runtime });

describe.concurrent("the daemon", () => {
  test("has thawed at once what a run leaves frozen that is killed with its guard", async (context) => {
    const one = await withMissedSlot(context);
    one.bench.control.faults([{ kind: "hang", action: "CreateSnapshots", dryRun: false }]);
    const daemon = new DaemonProcess(context, one.bench.within, env(one));
    const { agent, session } = await standing(one);
    killAll([agent, ...session]);
    await daemon.logged("the run ended with exit code 137");
    await daemon.logged(`what a run left behind is undone: ${one.mount} thawed`);
    expect(isFrozen(one.mount)).toBe(false);
    expect(await daemon.end()).toBe(0);
  });

  test("begins with what was left before it, and does not wait for it", async (context) => {
    const one = await withMissedSlot(context);
    const { pid, session, ended } = await frozenRun(one);
    killAll([pid, ...session]);
    await ended;
    // Without an answer of the metadata service it has no timetable, and no run that could thaw.
    one.bench.control.faults([{ kind: "hang", service: "imds", count: "always" }], true);
    const daemon = new DaemonProcess(context, one.bench.within, env(one));
    await daemon.logged(`what a run left behind is undone: ${one.mount} thawed`);
    expect(isFrozen(one.mount)).toBe(false);
    expect(daemon.log).not.toContain("starting (");
    daemon.child.kill("SIGKILL");
  });
});
