import { spawn } from "node:child_process";
import { codeOf } from "./atomic-file.ts";
import { systemEnvironment } from "./system-path.ts";

export interface Ended {
  /** Absent if it was ended by a signal or never began. */
  readonly code?: number;
  /** What it wrote to stderr, in one line; or how it ended where it wrote nothing. */
  readonly said: string;
}

/** How many bytes of a program's complaint are kept. */
const longest = 2_000;

export interface HowToRun {
  /** Given to it from 3 upwards. */
  readonly descriptors?: readonly number[];
  /** Milliseconds. */
  readonly timeout?: number;
  /** What it reads from stdin; without it there is nothing to read. */
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs a program of the system to its end, in a session of its own, so that a Ctrl-C meant for us does not
 * hit it. After `timeout`, or when the signal aborts, it is killed and no longer waited for, since what hangs
 * in the kernel does not die either: then nothing is returned. Never throws.
 */
export function runProgram(
  file: string,
  words: readonly string[],
  { descriptors = [], timeout, input, signal }: HowToRun = {},
): Promise<Ended | undefined> {
  return new Promise<Ended | undefined>((resolve) => {
    const child = spawn(file, words, {
      cwd: "/",
      detached: true,
      env: systemEnvironment,
      stdio: [input === undefined ? "ignore" : "pipe", "ignore", "pipe", ...descriptors],
      windowsHide: true,
    });
    // It may well end without having read everything.
    child.stdin?.on("error", () => undefined).end(input);
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, longest);
    });
    const end = (ended: Ended | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abandon);
      resolve(ended);
    };
    const abandon = (): void => {
      child.kill("SIGKILL");
      child.stdin?.destroy();
      child.stderr?.destroy();
      child.unref();
      end(undefined);
    };
    const timer = timeout === undefined ? undefined : setTimeout(abandon, timeout);
    signal?.addEventListener("abort", abandon);
    child.once("error", (error) => end({ said: `cannot be started (${codeOf(error)})` }));
    child.once("close", (code, signal) => {
      const text = said.trim().replace(/\s+/g, " ");
      const how = text !== "" ? text : `ended with ${code ?? signal}`;
      end(code === null ? { said: how } : { code, said: how });
    });
    // Some shortages are thrown, others told.
  }).catch((error: unknown) => ({ said: `cannot be started (${codeOf(error)})` }));
}
