import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { captures, hindrance, WindowLab } from "./window-lab.ts";
import { duringFreeze, freezesIn, type SystemCall, systemCalls, threadsOf, tracer } from "./window-trace.ts";

/**
 * Waiting, talking over what is open, memory and nothing else. Whatever else a process can do is asked of the
 * kernel by another name: to connect, to look a name up, to open or look at a file, to start a process.
 */
const harmless = new Set([
  ...[
    "epoll_wait",
    "epoll_pwait",
    "epoll_ctl",
    "futex",
    "poll",
    "ppoll",
    "restart_syscall",
    "sched_yield",
    "sched_getaffinity",
    // What a thread that begins asks of itself.
    "sched_getparam",
    "sched_getscheduler",
  ],
  ...["read", "readv", "recvfrom", "recvmsg", "write", "writev", "sendto", "sendmsg"],
  ...["mmap", "munmap", "mprotect", "madvise", "brk", "mremap"],
  ...["getpid", "gettid", "clock_gettime", "clock_nanosleep", "getrusage", "rt_sigprocmask", "rt_sigreturn"],
]);

let lab: WindowLab;
beforeAll(async () => {
  if (hindrance === undefined) lab = await WindowLab.start(["ext4", "xfs", "btrfs"]);
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** The descriptor that a call is about: its number, and what it is. */
const subject = /^\w+\((\d+)<([^>]*)>/;

function expectOneRequestAndNothingElse(calls: readonly SystemCall[]): void {
  const strange = calls.filter(({ name, text }) => {
    if (!harmless.has(name)) return true;
    // Memory that is a file's is read from its disk.
    if (text.startsWith("mmap(")) return !text.includes("MAP_ANONYMOUS");
    const [, descriptor, what] = subject.exec(text) ?? [];
    if (descriptor === undefined || what === undefined) return false;
    const isLog = Number(descriptor) <= 2 && /^(?:write|send)/.test(name);
    return isLog || !/^(?:socket|TCP|UNIX|pipe|anon_inode)/.test(what);
  });
  expect(strange.map(({ text }) => text.slice(0, 200))).toEqual([]);
  const requests = calls.filter(
    ({ name, text }) => /^(?:write|send)/.test(name) && text.includes(" HTTP/1.1"),
  );
  expect(requests.map(({ text }) => /Action=(\w+)/.exec(text)?.[1])).toEqual(["CreateSnapshots"]);
  expect(requests[0]?.text).not.toContain("DryRun");
}

describe.skipIf(hindrance !== undefined)(`while it is frozen${hindrance ? ` (${hindrance})` : ""}`, () => {
  test("the agent sends one request and does nothing else", async () => {
    await lab.holds();
    const log = path.join(lab.bench.folder, "calls");
    const seen = await lab.run({ under: tracer(log) });
    expect(seen.run.code, seen.run.stderr).toBe(0);
    const trace = readFileSync(log, "utf8");
    expect(freezesIn(trace)).toBeGreaterThanOrEqual(3);
    const calls = systemCalls(trace);
    expect(threadsOf(calls).size).toBeGreaterThan(4);
    expectOneRequestAndNothingElse(duringFreeze(calls));

    // The same by EC2's record, in the order of the run.
    expect(captures(seen, true)).toHaveLength(1);
    expect(captures(seen)).toHaveLength(1);
    const times = calls.filter(({ text }) => /FIFREEZE|FITHAW/.test(text)).map(({ at }) => at * 1000);
    const [from = Number.NaN, to = Number.NaN] = [times[0], times.at(-1)];
    const at = (call: { readonly time: string } | undefined) => Date.parse(call?.time ?? "");
    expect(at(captures(seen, true)[0])).toBeLessThan(from);
    const within = seen.calls.filter((call) => at(call) > from - 1 && at(call) < to);
    expect(within.map(({ action }) => action)).toEqual(["CreateSnapshots"]);
  });
});
