import { expect } from "vitest";

/** What a command is put behind so that the system calls of it and of all that it starts are noted. */
export function tracer(file: string, calls = "all"): string[] {
  const filter = calls === "all" ? [] : ["--seccomp-bpf", "-e", `trace=${calls}`];
  // Descriptors with what they are, times since 1970, words as long as a request.
  return ["strace", "-f", "-ttt", "-y", "-s", "8192", "-o", file, ...filter];
}

/** One system call, or one half of it where another came in between. */
export interface SystemCall {
  readonly thread: number;
  /** Seconds since 1970. */
  readonly at: number;
  readonly name: string;
  readonly text: string;
}

const line = /^(\d+)\s+(\d+\.\d+) (?:<\.\.\. )?(\w+)(.*)$/;

export function systemCalls(trace: string): SystemCall[] {
  return trace.split("\n").flatMap((text) => {
    const [, thread, at, name = "", rest = ""] = line.exec(text) ?? [];
    return thread === undefined ? [] : [{ thread: Number(thread), at: Number(at), name, text: name + rest }];
  });
}

/** How often a freeze was asked for. */
export function freezesIn(trace: string): number {
  return trace.split("FIFREEZE").length - 1;
}

/** What the first process itself did, by any of its threads, between the first freeze and the last thaw. */
export function duringFreeze(calls: readonly SystemCall[]): SystemCall[] {
  const from = calls.find(({ text }) => text.includes("FIFREEZE"))?.at;
  const to = calls.findLast(({ text }) => text.includes("FITHAW"))?.at;
  if (from === undefined || to === undefined) expect.fail("nothing was frozen and thawed");
  const threads = threadsOf(calls);
  return calls.filter(({ thread, at }) => threads.has(thread) && from <= at && at <= to);
}

/** The threads of the first process, without those of its children. */
export function threadsOf(calls: readonly SystemCall[]): ReadonlySet<number> {
  const threads = new Set(calls.slice(0, 1).map(({ thread }) => thread));
  const making = new Set<number>();
  for (const { thread, name, text } of calls) {
    if (!threads.has(thread) || !/^clone3?$/.test(name)) continue;
    if (text.includes("CLONE_THREAD")) making.add(thread);
    const made = /= (\d+)$/.exec(text)?.[1] ?? /=> \{parent_tid=\[(\d+)\]/.exec(text)?.[1];
    if (made !== undefined && making.delete(thread)) threads.add(Number(made));
  }
  return threads;
}
