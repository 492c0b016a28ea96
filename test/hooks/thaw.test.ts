import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { thawExitCode } from "../../src/cli/thaw.ts";
import { formatLedger, type Note } from "../../src/hooks/ledger.ts";
import { writeNote } from "../../src/hooks/runtime-note.ts";
import { type ThawOptions, thawLeftovers } from "../../src/hooks/thaw.ts";
import { mountTable } from "../../src/host/mount-descriptors.ts";
import { bootId, type ProcessIdentity, processOf } from "../../src/host/process-identity.ts";
import { folder } from "../host/places.ts";
import {
  type Disk,
  diskOf,
  freezeByHand,
  guardOf,
  hindrance,
  isFrozen,
  thawByHand,
} from "../system/freeze-lab.ts";
import { AgentProcess, kill, wavesOf } from "../system/freeze-process.ts";

const dead: ProcessIdentity = { pid: 1, start: "999999999" };

interface Left {
  readonly disks?: readonly Pick<Disk, "path" | "superblock">[];
  readonly lines?: readonly string[];
  readonly boot?: string;
  readonly agent?: ProcessIdentity;
  readonly notes?: readonly Note[];
}

/** A runtime directory with the ledger of an agent that is gone; its mounts have the numbers from 10 on. */
async function leftBehind({ disks = [], lines = [], boot = bootId(), agent = dead, notes = [] }: Left) {
  const runtimeDirectory = await folder();
  const ledger = path.join(runtimeDirectory, "guard-0123456789ab");
  mkdirSync(ledger);
  const mounts = disks.map((disk, index) => ({ ...disk, descriptor: 10 + index }));
  const text = formatLedger({ boot, agent, mounts, notes }) + lines.map((line) => `${line}\n`).join("");
  writeFileSync(path.join(ledger, "ledger"), text);
  return { runtimeDirectory, ledger };
}

function thaw(runtimeDirectory: string, more: Partial<ThawOptions> = {}) {
  return thawLeftovers({ runtimeDirectory, wait: 3_000, urge: false, ...more });
}

test("where nothing was left there is nothing to do, not even a directory", async () => {
  const empty = await folder();
  expect(await thaw(empty)).toEqual({ ledgers: [] });
  expect(await thaw(path.join(empty, "missing"))).toEqual({ ledgers: [] });
});

test("what somebody left who was ended while he cleared up is cleared up", async () => {
  const runtime = await folder();
  const rest = path.join(runtime, "guard-0123456789ab");
  mkdirSync(rest, { mode: 0o700 });
  writeFileSync(path.join(rest, "error.3"), "");
  expect(await thaw(runtime)).toEqual({ ledgers: [] });
  expect(readdirSync(runtime)).toEqual([]);
});

describe.skipIf(hindrance !== undefined)(`what was left frozen${hindrance ? ` (${hindrance})` : ""}`, () => {
  test("is thawed, if the ledger calls it ours: frozen, or in the midst of it", async () => {
    const disks = [await diskOf({ onTestFinished }), await diskOf({ onTestFinished })];
    disks.forEach(freezeByHand);
    const lines = ["guard 1 999", "hold 1 10", "freezing 10 7 1", "frozen 10", "freezing 11 8 1"];
    const { runtimeDirectory } = await leftBehind({ disks, lines });
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([
      {
        state: "done",
        mounts: [{ path: disks[1]?.path, outcome: "thawed" }, { outcome: "thawed" }],
        notes: [],
      },
    ]);
    expect(disks.map(isFrozen)).toEqual([false, false]);
    expect(readdirSync(runtimeDirectory)).toEqual([]);
  });

  test("stays so, if others froze it: refused, complained about, or thawed by us before", async () => {
    const disks = await Promise.all([1, 2, 3].map(() => diskOf({ onTestFinished })));
    disks.forEach(freezeByHand);
    const lines = [
      "freezing 10 7 1",
      "busy 10",
      "freezing 11 8 1",
      "freezing 12 9 1",
      "frozen 12",
      "thawed 12",
    ];
    const { runtimeDirectory, ledger } = await leftBehind({ disks, lines });
    // Its shell was killed before it could say `busy`, but the program had complained.
    writeFileSync(path.join(ledger, "error.11"), "fsfreeze: ");
    writeFileSync(path.join(ledger, "error.12"), "");
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([{ state: "done", mounts: [] }]);
    expect(disks.map(thawByHand)).toEqual([true, true, true]);
  });

  test("is not thawed by the ledger of another boot", async () => {
    const disk = await diskOf({ onTestFinished });
    freezeByHand(disk);
    const { runtimeDirectory } = await leftBehind({ disks: [disk], lines: ["frozen 10"], boot: "another" });
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([{ state: "earlier-boot", mounts: [] }]);
    expect(thawByHand(disk)).toBe(true);
    expect(readdirSync(runtimeDirectory)).toEqual([]);
  });

  test("is not thawed by a ledger that cannot be read, which is put aside", async () => {
    const disk = await diskOf({ onTestFinished });
    freezeByHand(disk);
    const { runtimeDirectory } = await leftBehind({ disks: [disk], lines: ["frozen 10", 'note {"kind":'] });
    const { ledgers } = await thaw(runtimeDirectory);
    expect(ledgers).toMatchObject([
      { state: "broken", problem: { remedy: expect.stringContaining(".broken") } },
    ]);
    expect(readdirSync(runtimeDirectory)).toEqual(["guard-0123456789ab.broken"]);
    expect(await thaw(runtimeDirectory)).toEqual({ ledgers: [] });
    expect(thawByHand(disk)).toBe(true);
  });

  test("is found at another mount of the filesystem, when the path is gone or covered", async () => {
    const disk = await diskOf({ onTestFinished });
    const other = path.join(await folder(), "other");
    mkdirSync(other);
    spawnSync("mount", ["--bind", disk.path, other]);
    onTestFinished(() => void spawnSync("umount", ["-l", other]));
    freezeByHand(disk);
    spawnSync("mount", ["-t", "tmpfs", "tmpfs", disk.path]);
    onTestFinished(() => void spawnSync("umount", [disk.path]));
    const { runtimeDirectory } = await leftBehind({ disks: [disk], lines: ["frozen 10"] });
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([
      { state: "done", mounts: [{ outcome: "thawed" }] },
    ]);
    expect(isFrozen({ path: other, superblock: disk.superblock })).toBe(false);
  });

  test("is told to be gone, if no mount of it is left, and not to be frozen, if it is not", async () => {
    const disk = await diskOf({ onTestFinished });
    const gone = { path: "/no/such/mount", superblock: "4095:1048575" };
    const { runtimeDirectory } = await leftBehind({ disks: [disk, gone], lines: ["frozen 10", "frozen 11"] });
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([
      {
        state: "done",
        mounts: [
          { path: gone.path, outcome: "gone" },
          { path: disk.path, outcome: "was-not-frozen" },
        ],
      },
    ]);
  });

  test("is kept in the ledger while it is mounted nowhere, since it is frozen still when it is mounted", async () => {
    const disk = await diskOf({ onTestFinished });
    const device = `/dev/loop${disk.superblock.split(":")[1]}`;
    const mount = (): void => {
      if (!mountTable().some((one) => one.path === disk.path)) spawnSync("mount", [device, disk.path]);
    };
    onTestFinished(() => {
      mount();
      thawByHand(disk);
    });
    freezeByHand(disk);
    const { runtimeDirectory } = await leftBehind({ disks: [disk], lines: ["frozen 10"] });
    expect(spawnSync("umount", [disk.path]).status).toBe(0);
    for (const _ of [1, 2]) {
      const report = await thaw(runtimeDirectory);
      expect(report.ledgers).toMatchObject([
        {
          state: "unmounted",
          mounts: [{ path: disk.path, outcome: "not-mounted" }],
          problem: { remedy: "mount it and run `ec2-backup thaw` again" },
        },
      ]);
      expect(thawExitCode(report)).toBe(75);
    }
    mount();
    expect(isFrozen(disk), "the system keeps it frozen").toBe(true);
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([
      { state: "done", mounts: [{ outcome: "thawed" }] },
    ]);
    expect(isFrozen(disk)).toBe(false);
  });

  test.each([
    [
      "a runtime directory that others can write to",
      (ledger: string) => chmodSync(path.dirname(ledger), 0o777),
    ],
    [
      "a runtime directory of another user",
      (ledger: string) => chownSync(path.dirname(ledger), 65534, 65534),
    ],
    ["a directory that others can write to", (ledger: string) => chmodSync(ledger, 0o770)],
    ["a directory of another user", (ledger: string) => chownSync(ledger, 65534, 65534)],
    ["a file that others can write to", (ledger: string) => chmodSync(path.join(ledger, "ledger"), 0o666)],
    ["a file of another user", (ledger: string) => chownSync(path.join(ledger, "ledger"), 65534, 65534)],
    [
      "a link",
      (ledger: string) => {
        renameSync(path.join(ledger, "ledger"), path.join(ledger, "other"));
        symlinkSync("other", path.join(ledger, "ledger"));
      },
    ],
  ])("is not thawed by a ledger in %s, and whom it names is left alone", async (_, spoil) => {
    const disk = await diskOf({ onTestFinished });
    freezeByHand(disk);
    const stranger = spawn("sleep", ["60"], { stdio: "ignore" });
    onTestFinished(() => void stranger.kill("SIGKILL"));
    const { pid, start } = processOf(stranger.pid ?? 0) ?? expect.fail("no process");
    const { runtimeDirectory, ledger } = await leftBehind({
      disks: [disk],
      lines: [`guard ${pid} ${start}`, "frozen 10"],
    });
    const holder = spawn("flock", [path.join(ledger, "ledger"), "sleep", "5"], {
      stdio: "ignore",
      detached: true,
    });
    onTestFinished(() => void process.kill(-(holder.pid ?? 0), "SIGKILL"));
    await sleep(200);
    spoil(ledger);
    const report = await thaw(runtimeDirectory, { urge: true, wait: 300 });
    expect(report.ledgers).toMatchObject([{ state: "failed", mounts: [], problem: { kind: "denied" } }]);
    expect(processOf(pid), "the stranger lives").toBeDefined();
    expect(thawByHand(disk)).toBe(true);
    expect(readdirSync(runtimeDirectory)).toHaveLength(1);
  });

  test("is kept in the ledger, if it cannot be thawed", async () => {
    const disk = await diskOf({ onTestFinished });
    freezeByHand(disk);
    const { runtimeDirectory } = await leftBehind({ disks: [disk], lines: ["frozen 10"] });
    const directory = await folder();
    writeFileSync(path.join(directory, "fsfreeze"), "#!/bin/sh\necho no permission >&2\nexit 1\n", {
      mode: 0o755,
    });
    const programDirectories = [directory, "/usr/bin", "/bin"];
    expect((await thaw(runtimeDirectory, { programDirectories })).ledgers).toMatchObject([
      { state: "failed", mounts: [{ outcome: "failed", found: "no permission" }] },
    ]);
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([{ mounts: [{ outcome: "thawed" }] }]);
  });
});

describe.skipIf(hindrance !== undefined)("a guard that lives", () => {
  async function living() {
    const disk = await diskOf({ onTestFinished });
    const agent = new AgentProcess({ onTestFinished }, await folder(), {
      waves: wavesOf([disk]),
      deadline: 20_000,
    });
    await agent.hold();
    return { disk, agent };
  }

  test("is left to its work at a start", async () => {
    const { disk, agent } = await living();
    expect((await thaw(agent.runtime)).ledgers).toMatchObject([{ state: "in-use", mounts: [] }]);
    expect(isFrozen(disk)).toBe(true);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: true } });
    // Ready, but holding nothing: its ledger is no leftover either.
    expect((await thaw(agent.runtime)).ledgers).toMatchObject([{ state: "in-use" }]);
    expect(await agent.ask("hold")).toMatchObject({ word: "held" });
  });

  test("thaws at once when it is urged, and the agent knows", async () => {
    const { disk, agent } = await living();
    expect((await thaw(agent.runtime, { urge: true })).ledgers).toMatchObject([
      { state: "done", mounts: [{ path: disk.path, outcome: "thawed" }] },
    ]);
    expect(isFrozen(disk)).toBe(false);
    expect(await agent.ask("release")).toMatchObject({ holding: { held: false } });
  });

  test("is woken, if it was stopped", async () => {
    const { disk, agent } = await living();
    for (const pid of agent.session()) kill(pid, "SIGSTOP");
    expect((await thaw(agent.runtime, { urge: true })).ledgers).toMatchObject([{ state: "done" }]);
    expect(isFrozen(disk)).toBe(false);
  });

  test("is replaced by its timer, if only that is left", async () => {
    const { disk, agent } = await living();
    kill(guardOf(agent.runtime).guard, "SIGSTOP");
    kill(agent.pid, "SIGKILL");
    kill(guardOf(agent.runtime).guard, "SIGKILL");
    await sleep(100);
    expect(isFrozen(disk)).toBe(true);
    expect((await thaw(agent.runtime, { urge: true })).ledgers).toMatchObject([{ state: "done" }]);
    expect(isFrozen(disk)).toBe(false);
  });

  test("is waited for no longer than was said", async () => {
    const { agent } = await living();
    // Held by somebody who hears nothing.
    const [name = ""] = readdirSync(agent.runtime);
    const file = path.join(agent.runtime, name, "ledger");
    kill(agent.pid, "SIGKILL");
    const holder = spawnSync("sh", ["-c", 'flock "$1" sleep 5 >/dev/null 2>&1 & echo $!', "sh", file], {
      encoding: "utf8",
    });
    onTestFinished(() => kill(Number(holder.stdout), "SIGKILL"));
    await sleep(1_000);
    const begun = performance.now();
    expect((await thaw(agent.runtime, { urge: true, wait: 500 })).ledgers).toMatchObject([
      { state: "in-use" },
    ]);
    expect(performance.now() - begun).toBeLessThan(4_000);
  });
});

describe("a note", () => {
  const note = { kind: "mongodb", name: "mongodb main", data: { uri: "mongodb://127.0.0.1" } };

  test("of an agent that is gone is handed to who can undo it, once", async () => {
    const { runtimeDirectory } = await leftBehind({ notes: [note] });
    const undone: unknown[] = [];
    const undo = { mongodb: async (data: unknown) => void undone.push(data) };
    expect((await thaw(runtimeDirectory, { undo })).ledgers).toMatchObject([
      { state: "done", notes: [{ kind: "mongodb", name: "mongodb main", outcome: "undone" }] },
    ]);
    expect(await thaw(runtimeDirectory, { undo })).toEqual({ ledgers: [] });
    expect(undone).toEqual([note.data]);
  });

  test("stays, if it could not be undone or nobody knows how", async () => {
    const { runtimeDirectory } = await leftBehind({ notes: [note] });
    expect((await thaw(runtimeDirectory)).ledgers).toMatchObject([
      { state: "failed", notes: [{ outcome: "failed", found: "nobody here knows how" }] },
    ]);
    const undo = { mongodb: () => Promise.reject(new Error("no answer")) };
    expect((await thaw(runtimeDirectory, { undo })).ledgers).toMatchObject([
      { state: "failed", notes: [{ outcome: "failed", found: "Error: no answer" }] },
    ]);
    expect(readdirSync(runtimeDirectory)).toHaveLength(1);
  });

  test("of an agent that lives is left alone until it takes it back", async () => {
    const runtimeDirectory = path.join(await folder(), "runtime");
    const written = await writeNote({ runtimeDirectory, agent: { pid: process.pid } }, note);
    const undo = { mongodb: () => Promise.reject(new Error("must not be called")) };
    expect((await thaw(runtimeDirectory, { undo, wait: 300, urge: true })).ledgers).toMatchObject([
      { state: "in-use" },
    ]);
    await written.takeBack();
    expect(await thaw(runtimeDirectory, { undo })).toEqual({ ledgers: [] });
  });

  test("of a process whose number is another's by now is a leftover", async () => {
    const reused = { ...(processOf(process.pid) ?? dead), start: "1" };
    const { runtimeDirectory } = await leftBehind({ notes: [note], agent: reused });
    const undo = { mongodb: async () => undefined };
    expect((await thaw(runtimeDirectory, { undo })).ledgers).toMatchObject([{ state: "done" }]);
  });
});
