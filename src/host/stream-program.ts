import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type ChildEnd, endOf, startChild } from "./command-child.ts";
import { groupIdle } from "./group-activity.ts";
import { guardGroup } from "./group-guard.ts";
import { OutputTail } from "./output-tail.ts";
import { endLeftBehind, type Kill, leftBehind } from "./process-group.ts";
import type { UserAccount } from "./user-account.ts";
import { within } from "./within.ts";

/** A program whose output is wanted, and what it may take. Times are in milliseconds. */
export interface StreamOrder {
  /** The program's path and its arguments, with those that change the user. */
  readonly words: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whose the pipe for its complaints is. */
  readonly account?: UserAccount;
  /** The descriptor that is its stdout; absent = what it prints is collected. */
  readonly output?: number;
  /** A descriptor that is its stdin, or what it reads there; absent = nothing. */
  readonly input?: number | string;
  readonly timeout: number;
  readonly idleTimeout: number;
}

/** How a program's end is waited for. Times are in milliseconds. */
export interface StreamManners {
  readonly kill: Kill;
  /** Between SIGTERM and SIGKILL. */
  readonly grace: number;
  /** Is told again and again while it is seen not to wait for whoever reads its output. */
  readonly unheld?: () => void;
}

/** How it ended. */
export interface StreamEnd extends ChildEnd<"timeout" | "idle" | "abort"> {
  /** It left processes that could still have written, which have been ended; or what it printed is not all there. */
  readonly left: boolean;
  /** The end of what it complained of. */
  readonly said: OutputTail;
  /** What it printed, where that was collected. */
  readonly printed: Buffer;
}

/** For how long what it started may outlive it, and its complaints may come late. */
const drain = 1_000;
const answerDrain = 30_000;
/** Bytes of complaints that are kept, and of output that is collected. */
const keep = 8 * 1024;
const mostCollected = 16 * 1024 * 1024;

/**
 * Runs a program whose output goes straight to a descriptor, in a session of its own. It is ended, with its whole
 * process group, at the timeout, when it has done nothing for too long, when the signal aborts, or when we are killed.
 * When this resolves nothing of the group is left that could write, unless it is stuck in the kernel. Rejects with a
 * BackupError where it cannot be started; how it ends is an answer.
 */
export async function runStream(
  order: StreamOrder,
  manners: StreamManners,
  signal: AbortSignal,
): Promise<StreamEnd> {
  const { child, reading, heard, said, printed } = await start(order);
  const group = child.pid ?? 0;
  const release = guardGroup(group);
  const limits = { ...manners, timeout: order.timeout };
  const end = await endOf<"idle">(child, limits, signal, (stop, over) => {
    groupIdle(group, order.idleTimeout, over, manners.unheld).then(
      () => stop("idle"),
      () => undefined,
    );
  });
  const left = await outlived(group, end, manners).finally(release);
  // Of an answer nothing may be missing; complaints may end in the middle.
  const isWhole = await within(order.output === undefined ? answerDrain : drain, heard, false);
  reading.destroy();
  child.stdout?.destroy();
  const isCut = order.output === undefined && !isWhole;
  return { ...end, left: left || isCut, said, printed: Buffer.concat(printed) };
}

interface Started {
  readonly child: ChildProcess;
  readonly reading: Socket;
  /** Resolves when every writer has closed its pipes: whether all that was printed has been collected. */
  readonly heard: Promise<boolean>;
  readonly said: OutputTail;
  readonly printed: readonly Buffer[];
}

async function start(order: StreamOrder): Promise<Started> {
  const { output, input } = order;
  const said = new OutputTail(keep);
  const printed: Buffer[] = [];
  const stdin = input === undefined ? "ignore" : typeof input === "number" ? input : "pipe";
  const started = await startChild(
    order,
    (pipe) => [stdin, output ?? "pipe", pipe],
    (child, reading) => hear(child, reading, said, printed, input),
  );
  return { ...started, said, printed };
}

async function hear(
  child: ChildProcess,
  reading: Socket,
  said: OutputTail,
  printed: Buffer[],
  input: StreamOrder["input"],
): Promise<boolean> {
  // It may well end without having read everything.
  if (typeof input === "string") child.stdin?.on("error", () => undefined).end(input);
  let size = 0;
  child.stdout?.on("error", () => undefined);
  child.stdout?.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= mostCollected) printed.push(chunk);
    else child.stdout?.destroy();
  });
  reading.on("data", (chunk: Buffer) => said.add(chunk));
  const closed = (stream: { once(event: "close", listener: () => void): unknown } | null): Promise<void> =>
    stream === null ? Promise.resolve() : new Promise((resolve) => stream.once("close", () => resolve()));
  await Promise.all([closed(reading), closed(child.stdout)]);
  return size <= mostCollected;
}

/** Whether it left somebody who could still write; they are ended. */
async function outlived(
  group: number,
  { stopped }: Pick<StreamEnd, "stopped">,
  { kill, grace }: StreamManners,
): Promise<boolean> {
  if (stopped !== undefined) return false;
  const until = performance.now() + drain;
  for (;;) {
    const left = await leftBehind(group, kill);
    if (left === undefined) return false;
    if (performance.now() >= until) {
      await endLeftBehind(left, grace, kill);
      return true;
    }
    await pause(20);
  }
}
