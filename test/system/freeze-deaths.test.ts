import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { guardScript } from "../../src/hooks/guard-script.ts";
import { formatLedger } from "../../src/hooks/ledger.ts";
import { thawLeftovers } from "../../src/hooks/thaw.ts";
import { createLedger } from "../../src/host/ledger-directory.ts";
import { closeDescriptors, openMount } from "../../src/host/mount-descriptors.ts";
import { type ProcessIdentity, processOf } from "../../src/host/process-identity.ts";
import { findPrograms } from "../../src/host/programs.ts";
import { firstDescriptor, startShell } from "../../src/host/shell-script.ts";
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
  thawedWithin,
  Writer,
} from "./freeze-lab.ts";
import { AgentProcess, brisk, kill, wavesOf } from "./freeze-process.ts";

const { deadline, grace, answerTimeout } = brisk;
/** For processes to be started on a busy machine. Milliseconds. */
const slack = 1_000;

interface Scene {
  readonly agent: AgentProcess;
  readonly disks: readonly Disk[];
  /** Milliseconds since the hold was asked for. */
  readonly since: () => number;
}

/** Two filesystems, frozen one after the other; a deadline that nobody waits for unless it is said. */
async function frozenScene(context: Context, limit = 20_000): Promise<Scene> {
  const disks = [await diskOf(context), await diskOf(context)];
  const waves = wavesOf(...disks.map((disk) => [disk]));
  const agent = new AgentProcess(context, await folder(), { waves, deadline: limit });
  expect(await agent.ask("prepare")).toEqual({ word: "prepared" });
  const begun = performance.now();
  expect(await agent.ask("hold")).toMatchObject({ word: "held" });
  return { agent, disks, since: () => performance.now() - begun };
}

/** Nobody of the guard stays for longer than it must. */
async function guardEnds(agent: AgentProcess): Promise<void> {
  const limit = performance.now() + 3_000;
  while (processesWith(`${agent.runtime}/`).length > 0) {
    if (performance.now() > limit) expect.fail(`the guard lives: ${ledgerText(agent.runtime)}`);
    await sleep(20);
  }
}

describe.skipIf(hindrance !== undefined)(`whoever dies${hindrance ? ` (${hindrance})` : ""}`, () => {
  test("the agent is killed: the guard thaws at once", async (context) => {
    const { agent, disks } = await frozenScene(context);
    kill(agent.pid, "SIGKILL");
    await thawedWithin(disks, slack);
    await guardEnds(agent);
  });

  test("the agent's process group is killed: the guard is not in it, and thaws at once", async (context) => {
    const { agent, disks } = await frozenScene(context);
    process.kill(-agent.pid, "SIGKILL");
    await thawedWithin(disks, slack);
    await guardEnds(agent);
  });

  test("the guard is killed: the agent thaws at once, and knows that it did not hold", async (context) => {
    const { agent, disks } = await frozenScene(context);
    kill(guardOf(agent.runtime).guard, "SIGKILL");
    await thawedWithin(disks, slack);
    const { holding } = await agent.ask("release");
    expect(holding).toMatchObject({
      held: false,
      problems: [{ found: "the guard was ended by SIGKILL; what was frozen has been thawed" }],
    });
    expect(await agent.ask("close")).toEqual({ word: "closed" });
    expect(processesWith(`${agent.runtime}/`)).toEqual([]);
    expect(ledgerText(agent.runtime)).toBe("");
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "the guard gets %s: it thaws and ends",
    async (signal) => {
      const context = { onTestFinished: (await import("vitest")).onTestFinished };
      const { agent, disks } = await frozenScene(context);
      kill(guardOf(agent.runtime).guard, signal);
      await thawedWithin(disks, slack);
      await guardEnds(agent);
      const { holding } = await agent.ask("release");
      expect(holding).toMatchObject({
        held: false,
        problems: [{ found: expect.stringContaining("the guard ended with 0") }],
      });
      expect(await agent.ask("close")).toEqual({ word: "closed" });
    },
  );

  test("all of the guard gets SIGTERM, as by a service manager: thawed, and the agent lives", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    for (const pid of agent.session()) kill(pid, "SIGTERM");
    await thawedWithin(disks, slack);
    await sleep(deadline + grace + slack);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: false } });
  });

  test("the agent is stopped: thawed at the deadline, and the agent is killed", async (context) => {
    const { agent, disks, since } = await frozenScene(context, deadline);
    kill(agent.pid, "SIGSTOP");
    await thawedWithin(disks, deadline + slack);
    expect(since()).toBeGreaterThan(deadline - 100);
    await agent.gone;
    expect(agent.child.signalCode).toBe("SIGKILL");
    expect(since()).toBeLessThan(deadline + grace + 2 * slack);
    await guardEnds(agent);
  });

  test("the agent thinks for ever: thawed at the deadline, and the agent is killed", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    agent.tell("block");
    await thawedWithin(disks, deadline + slack);
    await agent.gone;
    expect(agent.child.signalCode).toBe("SIGKILL");
  });

  test("the agent is late: thawed at the deadline, but it lives, and knows that it did not hold", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    await thawedWithin(disks, deadline + slack);
    await sleep(grace + slack);
    const { holding } = await agent.ask("release");
    expect(holding).toMatchObject({ held: false, frozen: { mounts: disks.map(({ path }) => path) } });
    expect(holding?.problems).toHaveLength(2);
    expect(await agent.ask("close")).toEqual({ word: "closed" });
  });

  test("an agent that released in time is not killed at what would have been the deadline", async (context) => {
    const { agent } = await frozenScene(context, deadline);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: true } });
    kill(agent.pid, "SIGSTOP");
    await sleep(deadline + grace + slack);
    kill(agent.pid, "SIGCONT");
    expect(await agent.ask("close")).toEqual({ word: "closed" });
  });

  test("the guard is stopped: the timer thaws at the deadline", async (context) => {
    const { agent, disks, since } = await frozenScene(context, deadline);
    kill(guardOf(agent.runtime).guard, "SIGSTOP");
    await thawedWithin(disks, deadline + slack);
    expect(since()).toBeGreaterThan(deadline - 100);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: false } });
    expect(await agent.ask("close")).toEqual({ word: "closed" });
    expect(processesWith(`${agent.runtime}/`)).toEqual([]);
  });

  test("the guard is stopped and a release is wanted: the agent thaws by itself", async (context) => {
    const { agent, disks } = await frozenScene(context);
    kill(guardOf(agent.runtime).guard, "SIGSTOP");
    expect(await agent.ask("release")).toMatchObject({
      holding: {
        held: false,
        problems: [{ found: expect.stringContaining(`said nothing for ${answerTimeout} ms`) }],
      },
    });
    for (const disk of disks) expect(isFrozen(disk)).toBe(false);
  });

  test("all of the guard is stopped: the agent thaws by itself soon after the deadline", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    for (const pid of agent.session()) kill(pid, "SIGSTOP");
    await thawedWithin(disks, deadline + slack);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: false } });
    expect(await agent.ask("close")).toEqual({ word: "closed" });
    expect(processesWith(`${agent.runtime}/`)).toEqual([]);
  });

  test("the agent and the guard are killed: the timer thaws at the deadline", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    kill(guardOf(agent.runtime).guard, "SIGSTOP");
    kill(agent.pid, "SIGKILL");
    kill(guardOf(agent.runtime).guard, "SIGKILL");
    await thawedWithin(disks, deadline + slack);
    await guardEnds(agent);
  });

  test("the guard is stopped, the agent killed, the timer told to end: it stays and thaws", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    const { guard, timer } = guardOf(agent.runtime);
    kill(guard, "SIGSTOP");
    kill(agent.pid, "SIGKILL");
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) kill(timer, signal);
    expect(disks.map(isFrozen)).toEqual([true, true]);
    await thawedWithin(disks, deadline + slack);
  });

  test("the timer is killed: the hold is as good as any", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    kill(guardOf(agent.runtime).timer, "SIGKILL");
    expect(disks.map(isFrozen)).toEqual([true, true]);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: true } });
    expect(await agent.ask("close")).toEqual({ word: "closed" });
  });

  test("the timer's sleep is killed: thawed early, and nobody is punished for it", async (context) => {
    const { agent, disks } = await frozenScene(context);
    const { guard, timer } = guardOf(agent.runtime);
    for (const pid of agent.session()) if (pid !== guard && pid !== timer) kill(pid, "SIGKILL");
    await thawedWithin(disks, slack);
    await sleep(grace + slack);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: false } });
  });

  test("all are killed: what stays frozen is thawed by the next start", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    const all = agent.session();
    for (const pid of all) kill(pid, "SIGSTOP");
    kill(agent.pid, "SIGKILL");
    for (const pid of all) kill(pid, "SIGKILL");
    await sleep(deadline + grace);
    expect(disks.map(isFrozen)).toEqual([true, true]);
    const report = await thawLeftovers({ runtimeDirectory: agent.runtime, wait: 2_000, urge: false });
    expect(report.ledgers).toMatchObject([
      { state: "done", mounts: [...disks].reverse().map(({ path }) => ({ path, outcome: "thawed" })) },
    ]);
    expect(disks.map(isFrozen)).toEqual([false, false]);
    expect(ledgerText(agent.runtime)).toBe("");
  });

  test("no writer stands still for longer than is told, whoever thaws", async (context) => {
    const { agent, disks } = await frozenScene(context, deadline);
    const [disk] = disks;
    if (disk === undefined) expect.fail("no disk");
    await agent.ask("release");
    const writer = await Writer.start(context, disk);
    await agent.ask("hold");
    await sleep(deadline + 200);
    const { holding } = await agent.ask("release");
    const stall = await writer.longestStall();
    expect(stall).toBeGreaterThan(deadline - 200);
    expect(stall).toBeLessThan(deadline + slack);
    expect(holding?.frozen?.ms).toBeGreaterThanOrEqual(stall - 10);
  });
});

describe.skipIf(hindrance !== undefined)("the guard's script alone, with nobody who would answer", () => {
  test.each([
    ["kills the agent, if it is silent", true],
    ["kills nobody whose number belonged to the agent once", false],
  ])("%s", async (_, isAgent) => {
    const { onTestFinished } = await import("vitest");
    const disk = await diskOf({ onTestFinished });
    const silent = spawn("sleep", ["60"], { stdio: "ignore" });
    onTestFinished(() => void silent.kill("SIGKILL"));
    const { pid, start } = processOf(silent.pid ?? 0) ?? expect.fail("no process");
    const { guard, answers } = await lonelyGuard({ onTestFinished }, disk, {
      pid,
      start: isAgent ? start : "1",
    });
    guard.say("arm 1 1 1.3");
    guard.say("freeze");
    await sleep(deadline + grace + slack);
    expect(answers).toEqual(["ready", "done", "frozen 10", "done"]);
    expect(isFrozen(disk)).toBe(false);
    expect(processOf(pid) !== undefined).toBe(!isAgent);
    guard.hangUp();
    expect(await guard.ended).toBe("ended with 0");
  });

  test.each([
    ["leaves what was complained about, although nobody lived to say that it was busy", "fsfreeze: ", true],
    ["thaws what was not complained about, although nobody lived to say that it was frozen", "", false],
  ])("%s", async (_, complaint, stays) => {
    const { onTestFinished } = await import("vitest");
    const disk = await diskOf({ onTestFinished });
    freezeByHand(disk);
    const { guard, ledger } = await lonelyGuard({ onTestFinished }, disk, { pid: 1, start: "1" });
    writeFileSync(path.join(ledger.path, "error.10"), complaint);
    ledger.append("freezing 10 999999999 1");
    guard.hangUp();
    expect(await guard.ended).toBe("ended with 0");
    expect(isFrozen(disk)).toBe(stays);
  });

  test("thaws at the deadline also when its ledger was removed, and kills nobody who cannot answer", async (context) => {
    const disk = await diskOf(context);
    const silent = spawn("sleep", ["60"], { stdio: "ignore" });
    context.onTestFinished(() => void silent.kill("SIGKILL"));
    const { pid, start } = processOf(silent.pid ?? 0) ?? expect.fail("no process");
    const { guard, ledger, answers } = await lonelyGuard(context, disk, { pid, start });
    guard.say("arm 1 1 1.3");
    guard.say("freeze");
    await until(() => answers.includes("frozen 10"));
    await ledger.remove();
    await thawedWithin([disk], deadline + slack);
    await sleep(grace + slack);
    expect(processOf(pid), "it lives").toBeDefined();
  });

  test("waits for nobody who has the number of who froze", async (context) => {
    const disk = await diskOf(context);
    freezeByHand(disk);
    const { guard, ledger } = await lonelyGuard(context, disk, { pid: 1, start: "1" });
    ledger.append(`freezing 10 ${process.pid} 1`);
    guard.hangUp();
    await thawedWithin([disk], slack);
    expect(await guard.ended).toBe("ended with 0");
  });

  test("understands what a full directory cut off as little as it has to", async (context) => {
    const [disk, theirs] = [await diskOf(context), await diskOf(context)];
    [disk, theirs].forEach(freezeByHand);
    const { guard, ledger } = await lonelyGuard(context, theirs, { pid: 1, start: "1" });
    // The last words were for 11, but cut; neither says that 10 is ours.
    for (const line of ["freezing 10 99busy 10", "frozen 1stuck 10x", "frozen", "10"]) ledger.append(line);
    guard.hangUp();
    expect(await guard.ended).toBe("ended with 0");
    expect(isFrozen(theirs)).toBe(true);
  });
});

async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > limit) expect.fail("it never came to that");
    await sleep(5);
  }
}

const programs = ["sh", "fsfreeze", "flock", "sleep", "mkfifo"] as const;

/** A guard without a conversation; `10` is the number of its mount. */
async function lonelyGuard({ onTestFinished }: Context, disk: Disk, agent: ProcessIdentity) {
  const { sh, fsfreeze, flock, sleep: sleeper, mkfifo } = await findPrograms([...programs]);
  const mounts = [{ ...disk, descriptor: firstDescriptor }];
  const text = formatLedger({ boot: "b", agent, mounts, notes: [] });
  const ledger = await createLedger(await folder(), "guard", text);
  const descriptor = openMount(disk.path, disk.superblock);
  const answers: string[] = [];
  const ready = Promise.withResolvers<void>();
  const guard = startShell({
    sh,
    script: guardScript,
    name: "guard",
    words: [ledger.path, String(agent.pid), agent.start, fsfreeze, flock, sleeper, mkfifo, "10"],
    descriptors: [descriptor],
    onLine: (line) => {
      answers.push(line);
      ready.resolve();
    },
  });
  onTestFinished(async () => {
    guard.hangUp();
    await guard.ended;
    closeDescriptors([descriptor]);
  });
  await ready.promise;
  return { guard, ledger, answers };
}
