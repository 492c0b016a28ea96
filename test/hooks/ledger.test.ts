import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { formatLedger, type LedgerMount, ownedMounts, parseLedger } from "../../src/hooks/ledger.ts";
import { ownedBy } from "../../src/hooks/own-thaw.ts";
import type { LedgerDirectory } from "../../src/host/ledger-directory.ts";
import { groupHas, processOf } from "../../src/host/process-identity.ts";

const head = formatLedger({
  boot: "b-1",
  agent: { pid: 10, start: "100" },
  mounts: [
    { descriptor: 10, superblock: "7:0", path: '/da ta"\n\\x' },
    { descriptor: 11, superblock: "0:42", path: "/ümlaut" },
  ],
  notes: [{ kind: "mongodb", name: "mongodb main", data: { uri: "mongodb://127.0.0.1" } }],
});

function statesOf(...lines: readonly string[]): (string | undefined)[] | undefined {
  return parseLedger(head + lines.map((line) => `${line}\n`).join(""))?.mounts.map(({ state }) => state);
}

test("a ledger says what was written into it, whatever a path consists of", () => {
  expect(parseLedger(head)).toEqual({
    boot: "b-1",
    agent: { pid: 10, start: "100" },
    mounts: [
      { descriptor: 10, superblock: "7:0", path: '/da ta"\n\\x', state: "none" },
      { descriptor: 11, superblock: "0:42", path: "/ümlaut", state: "none" },
    ],
    notes: [{ kind: "mongodb", name: "mongodb main", data: { uri: "mongodb://127.0.0.1" } }],
  });
});

test("the last word on a mount counts, and the last timer", () => {
  const text = `${head}guard 20 200\nhold 1 10\ntimer 21 201\nfreezing 10 30 1\nfrozen 10\nfreezing 11 31 1\n`;
  const ledger = parseLedger(
    `${text}answered 1\nthawed 10\nexpired 1\nhold 2 10\ntimer 22 202\nfreezing 10 32 1\n`,
  );
  expect(ledger).toMatchObject({ guard: { pid: 20, start: "200" }, timer: { pid: 22, start: "202" } });
  expect(ledger?.mounts).toMatchObject([
    { state: "freezing", by: { pid: 32, start: "1" } },
    { state: "freezing", by: { pid: 31, start: "1" } },
  ]);
  expect(statesOf("freezing 10 30 1", "busy 10", "freezing 11 31 1", "frozen 11", "stuck 11")).toEqual([
    "busy",
    "stuck",
  ]);
});

test.each([
  ["nothing", ""],
  ["another title", head.replace("ledger 1", "ledger 2")],
  ["no boot", head.replace(/^boot.*\n/m, "")],
  ["no agent", head.replace(/^agent.*\n/m, "")],
  ["an agent that is no number", head.replace("agent 10", "agent x")],
  ["an agent that is number zero", head.replace("agent 10", "agent 0")],
  ["a path that is none", head.replace(/^mount 10.*$/m, "mount 10 7:0 data")],
  ["a relative path", head.replace(/^mount 10.*$/m, 'mount 10 7:0 "data"')],
  ["a superblock that is none", head.replace("7:0", "sda")],
  ["a note that is none", head.replace(/^note .*$/m, "note {}")],
])("%s is no ledger", (_, text) => {
  expect(parseLedger(text)).toBeUndefined();
});

test.each([
  ["a mount that nobody knows", "frozen 12\n"],
  ["a word that nobody knows", "melted 10\n"],
  ["a freeze by nobody", "freezing 11\n"],
  ["a freeze whose line was cut before it was said when its process began", "freezing 11 31 \n"],
  ["a freeze whose number was cut", "freezing 11 3failed 11\n"],
  ["a line that was cut", "busy 1"],
  ["a line that began where one was cut", "timer 9thawed 10\n"],
  ["a timer that is none", "timer 9thawed 10\n"],
  ["zeros", "\0\0\0\0\n"],
])("%s is passed over, and all else is known", (_, text) => {
  expect(parseLedger(`${head}timer 21 201\nfreezing 10 30 1\nfrozen 10\n${text}`)).toMatchObject({
    timer: { pid: 21, start: "201" },
    mounts: [{ state: "frozen" }, { state: "none" }],
  });
});

describe("what the agent takes for its own", () => {
  const owned = (text: string | undefined) =>
    ownedBy({
      ledger: {
        read: () => text ?? expect.fail("no such file"),
        complaints: () => new Set([11]),
      } as unknown as LedgerDirectory,
      descriptors: new Map([
        [10, 1],
        [11, 2],
        [12, 3],
      ]),
      settled: new Set([12]),
    });

  test.each([
    ["a ledger that was cut off at its end", `${head}freezing 10 30 1\nfreezing 11 31 1\nfrozen 10\nbusy 1`],
    ["a ledger that was cut off in its midst", `${head}freezing 10 30 1\nbufreezing 11 31 1\nfrozen 10\n`],
    ["a ledger that cannot be understood", "nothing"],
    ["no ledger", undefined],
  ])("by %s is never what was complained about or is settled", (_, text) => {
    expect(owned(text)).toEqual({ frozen: [10], waiting: [] });
  });

  test("is waited for only as long as the very process lives that freezes", () => {
    const { pid, start } = processOf(process.pid) ?? expect.fail("no process");
    expect(owned(`${head}freezing 10 ${pid} ${start}\n`)).toEqual({ frozen: [], waiting: [10] });
    expect(owned(`${head}freezing 10 ${pid} 1\n`)).toEqual({ frozen: [10], waiting: [] });
  });
});

test("a group is known by a word of its members, so that no stranger with its number is taken for it", async () => {
  const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
  const group = child.pid ?? expect.fail("no process");
  try {
    expect(groupHas(group, "60")).toBe(true);
    expect(groupHas(group, "/run/ec2-backup/guard-0123456789ab")).toBe(false);
    expect(groupHas(group + 1, "60")).toBe(false);
  } finally {
    child.kill("SIGKILL");
  }
});

describe("ours", () => {
  const mount = (descriptor: number, state: LedgerMount["state"], pid?: number): LedgerMount => ({
    descriptor,
    superblock: `7:${descriptor}`,
    path: `/${descriptor}`,
    state,
    ...(pid === undefined ? {} : { by: { pid, start: "1" } }),
  });
  const ours = (...mounts: LedgerMount[]) => {
    const { frozen, waiting } = ownedMounts(mounts, new Set([13]), ({ pid }) => pid === 99);
    return { frozen: frozen.map((one) => one.descriptor), waiting: waiting.map((one) => one.descriptor) };
  };

  test("is what is frozen or could not be thawed, the last first", () => {
    expect(ours(mount(10, "frozen"), mount(11, "stuck"), mount(12, "frozen"))).toEqual({
      frozen: [12, 11, 10],
      waiting: [],
    });
  });

  test("is not what somebody else froze, what failed, what was thawed and what was never begun", () => {
    const others = (["busy", "failed", "thawed", "loose", "none"] as const).map((state, index) =>
      mount(20 + index, state),
    );
    expect(ours(...others)).toEqual({ frozen: [], waiting: [] });
  });

  test("is a freeze whose process died, unless it left a complaint, and later one whose process lives", () => {
    expect(ours(mount(12, "freezing", 1), mount(13, "freezing", 1), mount(14, "freezing", 99))).toEqual({
      frozen: [12],
      waiting: [14],
    });
  });
});
