import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { codeOf } from "./atomic-file.ts";
import type { HeldPipe } from "./held-pipe.ts";
import type { Kill } from "./process-group.ts";
import { guarded } from "./restic-guard.ts";
import { idleWatch } from "./restic-idle.ts";
import { textLines } from "./text-lines.ts";
import { within } from "./within.ts";

/** One process of restic. Times are in milliseconds. */
export interface ResticOrder {
  /** The program's path and its arguments. */
  readonly words: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly idleTimeout: number;
  readonly deadline: number;
  /** What it reads; without it there is nothing to read. Our ends are closed by us. */
  readonly input?: Pick<HeldPipe, "read" | "write">;
  /** A file descriptor that gets what it prints. */
  readonly output?: number;
  /** Hears each line that it complains with. */
  readonly complaint?: (line: string) => void;
  readonly kill: Kill;
  readonly windows: boolean;
}

type StopReason = "idle" | "deadline" | "abort";

/** How it ended; it and all that it had started are gone by then, as far as the system lets them. */
export interface ResticEnd {
  readonly code?: number;
  readonly signal?: string;
  /** Why it could not be started: `ENOENT`. */
  readonly unstarted?: string;
  readonly stopped?: StopReason;
  /** True if even SIGKILL did not end it. */
  readonly stuck?: boolean;
  /** The last that it complained of. */
  readonly errors: readonly string[];
}

export interface RunningRestic {
  /** What it prints, to be read to the end; nothing where the output goes to a descriptor. */
  readonly lines: AsyncIterable<string>;
  readonly ended: Promise<ResticEnd>;
  /** Nobody but us holds the input open any more: for the guard to let go of it too. */
  letGoOfInput(): void;
  /** Notes that it waits for us, which is no idleness of its own. */
  touch(): void;
  /** Ends all of the group: at once, or after a time in which it may remove its lock. */
  stop(because: StopReason, how: "at-once" | "gently"): void;
}

/** Between being asked to end and being killed. */
const grace = 8_000;
/** How long what was killed, and what it still had to say, is waited for. */
const drain = 3_000;
/** How many lines of complaint are kept, and how long they may be. */
const kept = { first: 20, last: 200, characters: 4_000 };

/** Starts restic, in a session of its own, with a guard that ends it should we go first. Never throws. */
export function startRestic(order: ResticOrder, signal: AbortSignal): RunningRestic {
  const errors = new Complaints(order.complaint);
  let child: ChildProcess;
  try {
    child = spawned(order);
  } catch (error) {
    const ended = Promise.resolve({ unstarted: codeOf(error), errors: [] });
    const none = (): void => undefined;
    return { lines: nothing(), ended, letGoOfInput: none, touch: none, stop: none };
  }
  const idle = idleWatch(child.pid ?? 0);
  let stopped: StopReason | undefined;
  let killed: number | undefined;
  let over = false;
  const stop = (because: StopReason, how: "at-once" | "gently"): void => {
    if (over) return;
    stopped ??= because;
    if (how === "gently" && killed === undefined) {
      // Only restic itself, which then removes its lock: its helpers must live so long.
      child.kill("SIGINT");
      setTimeout(() => stop(because, "at-once"), grace).unref();
      return;
    }
    killed ??= performance.now();
    killAll(child, order);
  };
  const abort = (): void => stop("abort", order.input === undefined ? "gently" : "at-once");
  const late = setTimeout(() => stop("deadline", "gently"), order.deadline);
  const look = setInterval(
    () => {
      // A reader of ours that takes its time is no fault of restic.
      if ((child.stdout?.readableLength ?? 0) > 0) idle.touch();
      if (idle.idle() >= order.idleTimeout) stop("idle", "gently");
    },
    Math.max(20, Math.min(2_000, order.idleTimeout / 5)),
  );
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  // Complaints are no sign of life: restic tells for ever that it tries again.
  const complaints = listen(child.stderr, (line) => errors.add(line));
  const exit = exitOf(child, () => killed);
  const ended = exit.then(async (how) => {
    clearTimeout(late);
    clearInterval(look);
    signal.removeEventListener("abort", abort);
    // The guard, and what restic may have left: then nobody holds our ends of its outputs.
    if (how.unstarted === undefined) killAll(child, order);
    over = true;
    // A master connection of ssh goes on and keeps its error output, which is ours.
    await within(drain, complaints, undefined);
    if (how.stuck === true) letGo(child);
    else child.stderr?.destroy();
    return { ...how, ...(stopped === undefined ? {} : { stopped }), errors: errors.lines() };
  });
  return {
    lines: child.stdout === null ? nothing() : watched(child.stdout, idle.saw),
    ended,
    letGoOfInput: () => void control(child)?.write("end\n"),
    touch: idle.touch,
    stop,
  };
}

function spawned(order: ResticOrder): ChildProcess {
  const { words, env, input, output, windows } = order;
  const [program = "", ...rest] = windows ? words : guarded(words);
  const child = spawn(program, rest, {
    cwd: "/",
    env,
    detached: !windows,
    windowsHide: true,
    stdio: [
      input === undefined ? "ignore" : input.read,
      output ?? "pipe",
      "pipe",
      ...(windows ? [] : (["pipe", input?.write ?? "ignore"] as const)),
    ],
  });
  control(child)?.on("error", () => undefined);
  return child;
}

/** What the guard reads. */
function control(child: ChildProcess): Writable | undefined {
  return (child.stdio[3] ?? undefined) as Writable | undefined;
}

type Exit = Pick<ResticEnd, "code" | "signal" | "unstarted" | "stuck">;

/** Its end; or, where even SIGKILL has not brought it about, that it is stuck. */
function exitOf(child: ChildProcess, killed: () => number | undefined): Promise<Exit> {
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      const since = killed();
      // A process that waits in the kernel does not die: it must not hold the run.
      if (since !== undefined && performance.now() - since > drain) end({ stuck: true });
    }, 200);
    const end = (how: Exit): void => {
      clearInterval(watch);
      resolve(how);
    };
    child.once("error", (error) => end({ unstarted: codeOf(error) }));
    child.once("exit", (code, signal) => end(code === null ? { signal: signal ?? "" } : { code }));
  });
}

/** Kills it with all that it has started: a group gets a signal as a whole, and none of it can escape by a fork. */
function killAll(child: ChildProcess, { windows, kill }: ResticOrder): void {
  const group = child.pid;
  if (group === undefined) return;
  if (windows) return void child.kill("SIGKILL");
  try {
    kill(-group, "SIGKILL");
  } catch {
    // All of it is gone.
  }
}

function letGo(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.destroy();
  child.unref();
}

async function listen(stream: Readable | null, hear: (line: string) => void): Promise<void> {
  if (stream === null) return;
  try {
    for await (const line of textLines(stream)) hear(line);
  } catch {
    // Destroyed, since its process does not die.
  }
}

async function* watched(stream: Readable, saw: (line: string) => void): AsyncGenerator<string, void> {
  for await (const line of textLines(stream)) {
    saw(line);
    yield line;
  }
}

async function* nothing(): AsyncGenerator<string, void> {}

/** The first and the last of what a program complains of, however much that is. */
class Complaints {
  readonly #hear: ((line: string) => void) | undefined;
  readonly #first: string[] = [];
  #last: string[] = [];
  #lost = 0;

  constructor(hear: ((line: string) => void) | undefined) {
    this.#hear = hear;
  }

  add(line: string): void {
    if (line.trim() === "") return;
    this.#hear?.(line);
    const text = line.length > kept.characters ? `${line.slice(0, kept.characters)}…` : line;
    if (this.#first.length < kept.first) this.#first.push(text);
    else this.#last.push(text);
    if (this.#last.length < kept.last * 2) return;
    this.#lost += this.#last.length - kept.last;
    this.#last = this.#last.slice(-kept.last);
  }

  lines(): readonly string[] {
    return this.#lost === 0 ? [...this.#first, ...this.#last] : [...this.#first, "…", ...this.#last];
  }
}
