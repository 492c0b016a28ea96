import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { openCommandPipe } from "./command-pipe.ts";
import { endGroup, type Kill } from "./process-group.ts";
import type { UserAccount } from "./user-account.ts";

/** What is started, and as whom. */
interface ChildOrder {
  /** The program's path and its arguments. */
  readonly words: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whose the pipe for the output is; the words themselves must change to the user. */
  readonly account?: UserAccount;
}

/** How a program ended. */
export interface ChildEnd<Because> {
  /** Both are null where it could not even be killed. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it was told to end, and whether it had to be killed for it. */
  readonly stopped?: { readonly because: Because; readonly how: "ended" | "killed" | "stuck" };
}

/**
 * Starts a program in a session of its own, with a pipe among its descriptors. What is printed before somebody listens
 * is lost: `listen` is called at once.
 */
export async function startChild<T>(
  { words, env, account }: ChildOrder,
  stdio: (pipe: number) => SpawnOptions["stdio"],
  listen: (child: ChildProcess, reading: Socket) => T,
): Promise<{ readonly child: ChildProcess; readonly reading: Socket; readonly heard: T }> {
  const [program = "", ...rest] = words;
  const { writeEnd, reading } = await openCommandPipe(account);
  // A program that cannot be started is told by the error below; a reader of nothing has nothing to tell.
  reading.on("error", () => undefined);
  try {
    const child = spawn(program, rest, { cwd: "/", env, detached: true, stdio: stdio(writeEnd.fd) });
    const heard = listen(child, reading);
    await once(child, "spawn");
    return { child, reading, heard };
  } catch (error) {
    reading.destroy();
    const found = `it cannot be started (${codeOf(error)})`;
    const remedy = "check the file, and the interpreter that its first line names";
    throw new BackupError(
      { kind: "configuration", doing: `run ${program}`, found, remedy },
      { cause: error },
    );
  } finally {
    await writeEnd.close();
  }
}

/**
 * Waits for its end; at the timeout, when the signal aborts, or when `watch` says so, its whole process group is ended.
 * What `watch` does is over when the signal that it is given aborts. Milliseconds.
 */
export async function endOf<Other extends string = never>(
  child: ChildProcess,
  { timeout, grace, kill }: { readonly timeout: number; readonly grace: number; readonly kill: Kill },
  signal: AbortSignal | undefined,
  watch?: (stop: (because: Other) => void, over: AbortSignal) => void,
): Promise<ChildEnd<"timeout" | "abort" | Other>> {
  type End = ChildEnd<"timeout" | "abort" | Other>;
  const exited = new Promise<End>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null)
      resolve({ code: child.exitCode, signal: child.signalCode });
    else child.once("exit", (code, signalCode) => resolve({ code, signal: signalCode }));
  });
  const stop = Promise.withResolvers<"timeout" | "abort" | Other>();
  const over = new AbortController();
  const timer = setTimeout(() => stop.resolve("timeout"), timeout);
  watch?.((because) => stop.resolve(because), over.signal);
  const abort = (): void => stop.resolve("abort");
  signal?.addEventListener("abort", abort);
  if (signal?.aborted === true) abort();
  const first = await Promise.race([exited, stop.promise]);
  clearTimeout(timer);
  over.abort();
  signal?.removeEventListener("abort", abort);
  if (typeof first === "object") return first;
  const how = await endGroup(child.pid ?? 0, grace, kill);
  const stopped = { because: first, how };
  if (how === "stuck") child.unref();
  const end = await Promise.race([exited, how === "stuck" ? pause(0) : exited]);
  return { ...(end ?? { code: null, signal: null }), stopped };
}
