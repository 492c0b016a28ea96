import { type ChildProcess, spawn } from "node:child_process";
import { codeOf } from "./atomic-file.ts";

/** What is started, and how. */
export interface Speaker {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How a program ended: its code or signal, or why it could not be started. */
export interface Ending {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** The system's code when there is no such program or it may not be run: `ENOENT`. */
  readonly unstarted: string | undefined;
  /** The last of what it wrote to its error output. */
  readonly errors: string;
}

/** A program that stays and is spoken to line by line. */
export interface Conversation {
  /** Says a line. What is said to a program that has ended is lost; {@link ended} tells that it has. */
  say(line: string): void;
  /** The next line that it says; absent once it has ended. One at a time. */
  next(): Promise<string | undefined>;
  /** How it ended, if it has. */
  ended(): Ending | undefined;
  /** Closes its input, kills it after the grace (milliseconds), and waits until it is gone. Never throws. */
  close(grace: number): Promise<void>;
}

const keptErrors = 4096;

/** Starts a program with pipes to it; from `/`, so that it holds no directory and can enter its own. */
export function converse({ program, args, env }: Speaker): Conversation {
  const child = spawn(program, args, { cwd: "/", env, stdio: ["pipe", "pipe", "pipe"] });
  const lines = linesOf(child);
  let errors = "";
  let ending: Ending | undefined;
  const gone = new Promise<void>((resolve) => {
    const end = (how: Omit<Ending, "errors">): void => {
      ending ??= { ...how, errors: errors.trim() };
      lines.end();
      resolve();
    };
    child.once("error", (error) => end({ code: undefined, signal: undefined, unstarted: codeOf(error) }));
    child.once("close", (code, signal) =>
      end({ code: code ?? undefined, signal: signal ?? undefined, unstarted: undefined }),
    );
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-keptErrors);
  });
  // A program that has ended breaks the pipe; its end says so already.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on("error", () => undefined);
  return {
    say: (line) => void child.stdin?.write(`${line}\n`),
    next: lines.next,
    ended: () => ending,
    close: async (grace) => {
      child.stdin?.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), grace);
      await gone;
      clearTimeout(timer);
    },
  };
}

function linesOf(child: ChildProcess): { next(): Promise<string | undefined>; end(): void } {
  const ready: string[] = [];
  let rest = "";
  let over = false;
  let waiting: ((line: string | undefined) => void) | undefined;
  const serve = (): void => {
    if (waiting === undefined || (ready.length === 0 && !over)) return;
    const give = waiting;
    waiting = undefined;
    give(ready.shift());
  };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    ready.push(...parts);
    serve();
  });
  return {
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
        serve();
      }),
    end: () => {
      over = true;
      serve();
    },
  };
}
