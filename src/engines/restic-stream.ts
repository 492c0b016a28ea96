import { BackupError, interrupted } from "../core/errors.ts";
import type { Saved, SaveOrder, StoreProgress, StreamSource } from "../core/store-ports.ts";
import { type HeldPipe, heldPipe } from "../host/held-pipe.ts";
import type { ResticEnd, RunningRestic } from "../host/restic-child.ts";
import { within } from "../host/within.ts";
import { whenUnlocked } from "./restic-locks.ts";
import type { ResticRunner } from "./restic-runner.ts";
import { hear, savedOf, saveWords } from "./restic-saved.ts";

/** A plain name: restic of different versions stores others under different paths. */
const plain = /^[^/\\\p{Cc}]{1,255}$/u;

/** The error of a stream that failed, and whether a snapshot could have come of it. */
export interface FailedStream {
  readonly error: unknown;
  readonly begun: true;
}

/** How long a source may take to end when nobody reads it any more, and restic to tell its own end. Milliseconds. */
const [leave, tellEnd] = [30_000, 500];

/**
 * Saves what a source writes as one file. restic takes the end of its input for the end of the dump, whatever has become
 * of the dump. So its input ends only when the source has ended well: until then we, and the guard of the process, hold
 * its other end open, and if the source fails, restic is killed first.
 */
export async function streamed(
  runner: ResticRunner,
  order: SaveOrder,
  source: StreamSource,
  tell: (progress: StoreProgress) => void,
  signal: AbortSignal,
): Promise<Saved | FailedStream> {
  const doing = `save ${source.file}`;
  if (!plain.test(source.file) || source.file === "." || source.file === "..")
    throw new BackupError({ kind: "configuration", doing, found: "no plain file name" });
  if (runner.ground.owner.uid === undefined)
    throw new BackupError({
      kind: "configuration",
      doing,
      found: "a system without POSIX processes, on which restic could outlive a failed dump",
      remedy: "make dumps on Linux",
    });
  return whenUnlocked(runner, signal, () => attempt(runner, order, source, tell, signal));
}

async function attempt(
  runner: ResticRunner,
  order: SaveOrder,
  source: StreamSource,
  tell: (progress: StoreProgress) => void,
  signal: AbortSignal,
): Promise<Saved | FailedStream> {
  const doing = `save ${source.file}`;
  const pipe = await heldPipe();
  try {
    // Only what restic is ready for is begun: it has its lock by then.
    const ready = Promise.withResolvers<void>();
    const hearing = hear(tell, () => ready.resolve());
    const words = [...saveWords(order), "--stdin", `--stdin-filename=${source.file}`];
    const running = await runner.start({ doing, words, input: pipe }, signal);
    // The one reader of the pipe is restic: when it is gone, the source hears of it.
    pipe.closeRead();
    const heard = listen(running, hearing.line);
    const fed = await feed({ running, ready: ready.promise, pipe, source, signal });
    const end = await running.ended;
    await heard;
    // Only now: as long as restic lives, its input must not end without our wish.
    pipe.closeWrite();
    if (fed.well && end.code === 0 && end.stopped === undefined)
      return await savedOf(runner, hearing.summary(), signal);
    const error = reasonOf(runner, fed, end, doing);
    if (!hearing.began()) throw error;
    return { error, begun: true };
  } finally {
    pipe.closeRead();
    pipe.closeWrite();
  }
}

type Fed =
  | { readonly well: true }
  /** `because` is what the source said, where it ended at all. */
  | { readonly well: false; readonly because?: unknown };

interface Feeding {
  readonly running: RunningRestic;
  readonly ready: Promise<void>;
  readonly pipe: HeldPipe;
  readonly source: StreamSource;
  readonly signal: AbortSignal;
}

async function feed({ running, ready, pipe, source, signal }: Feeding): Promise<Fed> {
  const gone = running.ended.then(() => "gone" as const);
  if ((await Promise.race([ready, gone])) === "gone") return { well: false };
  const stop = new AbortController();
  try {
    const { done } = source.start(pipe.write, AbortSignal.any([signal, stop.signal]), running.touch);
    const how = await Promise.race([done.then(() => "done" as const), gone]);
    if (how === "done" && !signal.aborted) {
      running.letGoOfInput();
      pipe.closeWrite();
      return { well: true };
    }
    running.stop("abort", "at-once");
    stop.abort();
    // What is written to a pipe that nobody reads fails.
    await within(leave, done, undefined);
    return { well: false };
  } catch (because) {
    // It may have failed since restic is gone, whose reason is the better one.
    await within(tellEnd, gone, undefined);
    running.stop("abort", "at-once");
    stop.abort();
    return { well: false, because };
  }
}

/** Who failed first: restic, the source, or whoever told us to stop. */
function reasonOf(runner: ResticRunner, fed: Fed, end: ResticEnd, doing: string): unknown {
  if (fed.well || end.stopped !== "abort") return runner.failure(end, doing);
  if (fed.because !== undefined) return fed.because;
  return interrupted(`${doing} (repository ${runner.config.name})`);
}

async function listen(running: RunningRestic, hear: (line: string) => void): Promise<void> {
  for await (const line of running.lines) hear(line);
}
