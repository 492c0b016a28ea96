import type { Socket } from "node:net";
import { type ChildEnd, endOf, startChild } from "./command-child.ts";
import { type CommandLog, openCommandLog } from "./command-log.ts";
import { OutputTail } from "./output-tail.ts";
import { type Kill, type LeftBehind, leftBehind } from "./process-group.ts";
import type { UserAccount } from "./user-account.ts";
import { within } from "./within.ts";

/** A program to be run, and with what. Times are in milliseconds. */
export interface CommandOrder {
  /** The program's path and its arguments. */
  readonly words: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whose the pipe for the output is; the words themselves must change to the user. */
  readonly account?: UserAccount;
  readonly timeout: number;
  /** A file to which the output is appended, and the line that comes before it. */
  readonly log?: { readonly file: string; readonly heading: string };
}

/** How processes are handled. Times are in milliseconds. */
export interface CommandManners {
  /** The agent's user; absent on Windows. */
  readonly uid: number | undefined;
  readonly kill: Kill;
  /** Between SIGTERM and SIGKILL. */
  readonly grace: number;
  /** For how long output is waited for when the command has ended but something keeps its pipe open. */
  readonly drain: number;
  /** Bytes of output that are held. */
  readonly keep: number;
}

/** How a command ended. */
export interface CommandEnd extends ChildEnd<"timeout" | "abort"> {
  readonly output: OutputTail;
  /** What it left running in its process group. */
  readonly left?: LeftBehind;
  /** Why the log is not complete. */
  readonly logFault?: unknown;
  readonly ms: number;
}

/** A log that is written more slowly than this makes the command wait. Bytes. */
const mostWaiting = 1024 * 1024;

/**
 * Runs a program in a session of its own, with both outputs in one pipe and no input. At the timeout, or
 * when the signal aborts, its whole process group is ended. Rejects with a BackupError if the program
 * cannot be started; how it ends is an answer.
 */
export async function runCommand(
  order: CommandOrder,
  manners: CommandManners,
  signal?: AbortSignal,
): Promise<CommandEnd> {
  const began = performance.now();
  const { log, fault } = await opened(order.log, manners);
  const output = new OutputTail(manners.keep);
  try {
    const { child, reading, heard } = await startChild(
      order,
      (pipe) => ["ignore", pipe, pipe],
      (_, from) => collect(from, output, log),
    );
    const end = await endOf(child, { ...manners, timeout: order.timeout }, signal);
    await within(manners.drain, heard, undefined);
    reading.destroy();
    const left = end.stopped === undefined ? await leftBehind(child.pid ?? 0, manners.kill) : undefined;
    const logFault = fault ?? (await closed(log, manners.grace));
    const ms = performance.now() - began;
    return {
      ...end,
      output,
      ms,
      ...(left === undefined ? {} : { left }),
      ...(logFault === undefined ? {} : { logFault }),
    };
  } catch (error) {
    await closed(log, manners.grace);
    throw error;
  }
}

/** The log, or why there is none: what must be run is run without it. */
async function opened(
  log: CommandOrder["log"],
  { uid, grace }: CommandManners,
): Promise<{ log?: CommandLog; fault?: unknown }> {
  if (log === undefined) return {};
  const opening = openCommandLog(log.file, uid);
  try {
    const ready = await within(grace, opening, undefined);
    ready?.append(Buffer.from(`${new Date().toISOString()} ${log.heading}\n`));
    if (ready !== undefined) return { log: ready };
  } catch (fault) {
    return { fault };
  }
  opening.then((late) => late.close()).catch(() => undefined);
  return { fault: unanswered() };
}

/** Resolves when every writer has closed the pipe. */
function collect(reading: Socket, output: OutputTail, log: CommandLog | undefined): Promise<void> {
  reading.on("data", (chunk: Buffer) => {
    output.add(chunk);
    log?.append(chunk);
    if (log === undefined || log.waiting < mostWaiting) return;
    reading.pause();
    void log.idle().then(() => reading.resume());
  });
  return new Promise((resolve) => reading.once("close", () => resolve()));
}

/** Closes the log; one whose filesystem does not answer is left to close by itself. */
async function closed(log: CommandLog | undefined, patience: number): Promise<unknown> {
  if (log === undefined) return undefined;
  return within(patience, log.close(), unanswered());
}

function unanswered(): Error {
  return new Error("its filesystem does not answer");
}
