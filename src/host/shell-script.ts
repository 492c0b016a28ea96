import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { codeOf } from "./atomic-file.ts";
import { systemEnvironment } from "./system-path.ts";

/** A shell script that runs beside us and speaks in lines. */
export interface ShellProcess {
  /** Absent if it could not be started. */
  readonly pid: number | undefined;
  /** Writes a line; into the void if nobody listens any more. */
  say(line: string): void;
  /** No more will be said; the script sees the end of its input. */
  hangUp(): void;
  /** Kills the script itself, not what it has started. */
  kill(): void;
  /** Resolves when the script itself has ended, with how: `ended with 1`, `was ended by SIGKILL`. */
  readonly ended: Promise<string>;
}

/** The first descriptor of a script's own; those below are the shell's. */
export const firstDescriptor = 10;

/**
 * Starts a script in a session of its own, so that what is sent to our process group does not reach it. It
 * has the descriptors from 10 upwards, in the order given.
 */
export function startShell(order: {
  readonly sh: string;
  readonly script: string;
  /** What it is called in a list of processes. */
  readonly name: string;
  readonly words: readonly string[];
  readonly descriptors: readonly number[];
  readonly onLine: (line: string) => void;
}): ShellProcess {
  const between = Array.from({ length: firstDescriptor - 3 }, () => "ignore" as const);
  const child = spawn(order.sh, ["-c", order.script, order.name, ...order.words], {
    cwd: "/",
    detached: true,
    env: systemEnvironment,
    stdio: ["pipe", "pipe", "ignore", ...between, ...order.descriptors],
  });
  // A pipe without a reader is told by the end of the process.
  child.stdin?.on("error", () => undefined);
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", order.onLine);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`cannot be started (${codeOf(error)})`));
    child.once("exit", (code, signal) =>
      resolve(code === null ? `was ended by ${signal}` : `ended with ${code}`),
    );
  });
  return {
    pid: child.pid,
    say: (line) => void child.stdin?.write(`${line}\n`),
    hangUp: () => void child.stdin?.end(),
    kill: () => void child.kill("SIGKILL"),
    ended,
  };
}
