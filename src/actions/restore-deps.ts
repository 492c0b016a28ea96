import { BackupError } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { HostDisks, VolumeService } from "../core/restore-ports.ts";
import type { RestoreProgress } from "../core/restore-result.ts";

/** How long a restore waits for what, in milliseconds. */
export interface RestoreWaits {
  /** Between two looks at first; it grows to forty times that. */
  readonly poll: number;
  /** For a request that is throttled or not answered. */
  readonly retryFor: number;
  /** For a volume to be seen by all of EC2 (up to five minutes, EC2 developer guide, "Eventual consistency"). */
  readonly visibleFor: number;
  readonly availableFor: number;
  readonly attachFor: number;
  /** For the disk of an attached volume to be there. */
  readonly diskFor: number;
  readonly detachFor: number;
  /** For EC2 to read all blocks of a volume. */
  readonly initializeFor: number;
}

/** What restoring needs of the world. */
export interface RestoreDeps {
  readonly volumes: VolumeService;
  readonly disks: HostDisks;
  readonly clock: Clock;
  readonly log: Log;
  readonly progress: (progress: RestoreProgress) => void;
  /** A digest in hex. */
  readonly digest: (text: string) => string;
  readonly waits: RestoreWaits;
}

/** Looks again and again until there is something to return; failures of a look only show when the time is up. */
export async function until<T>(
  doing: string,
  limit: number,
  { clock, waits }: Pick<RestoreDeps, "clock"> & { readonly waits: Pick<RestoreWaits, "poll"> },
  signal: AbortSignal,
  look: (elapsed: number) => Promise<T | undefined>,
  first = waits.poll,
): Promise<T> {
  const start = clock.elapsed();
  let pause = first;
  let trouble: BackupError | undefined;
  for (;;) {
    if (signal.aborted) throw stopped(doing);
    try {
      const found = await look(clock.elapsed() - start);
      if (found !== undefined) return found;
      trouble = undefined;
    } catch (error) {
      if (!(error instanceof BackupError) || !isPassing(error)) throw error;
      trouble = error;
    }
    const left = limit - (clock.elapsed() - start);
    if (left <= 0) break;
    await clock.sleep(Math.min(pause, left), signal);
    pause = Math.min(pause * 1.5, waits.poll * 40);
  }
  if (trouble !== undefined) throw trouble;
  throw new BackupError({
    kind: "unreachable",
    doing,
    found: `it has not come about after ${Math.round(limit / 1000)} s`,
    code: "TimeUp",
  });
}

/** Sends a request that may be repeated until it is answered or its time is up. EC2 is given time to recover. */
export async function answered<T>(
  doing: string,
  deps: Pick<RestoreDeps, "clock" | "waits">,
  signal: AbortSignal,
  send: () => Promise<T>,
): Promise<T> {
  const { retryFor, poll } = deps.waits;
  const sending = async () => ({ answer: await send() });
  return (await until(doing, retryFor, deps, signal, sending, poll * 5)).answer;
}

/** Whether the same request may do better a little later. */
function isPassing({ kind }: BackupError): boolean {
  return kind === "throttled" || kind === "unreachable" || kind === "unknown-outcome";
}

/** The signal of what nothing cuts short. */
export const never = new AbortController().signal;

/** Whether who is told to stop may still do so. */
export interface Heed {
  /** For looks: {@link never} from the first request on. */
  readonly signal: AbortSignal;
  /** Sends a request, for whose end also who is told to stop waits from now on, unless it is refused. */
  send(request: () => Promise<void>): Promise<void>;
}

/**
 * As {@link until}, for what comes about by itself once EC2 was asked for it: from then on who is told to stop waits
 * for it, too. What still looks as it was would be taken for staying so, and change after all has gone back.
 */
export function untilSettled<T>(
  doing: string,
  limit: number,
  deps: RestoreDeps,
  signal: AbortSignal,
  look: (heed: Heed, elapsed: number) => Promise<T | undefined>,
): Promise<T> {
  const heed = {
    signal,
    async send(request: () => Promise<void>) {
      const before = heed.signal;
      heed.signal = never;
      try {
        await request();
      } catch (error) {
        if (isRefusal(error)) heed.signal = before;
        throw error;
      }
    },
  };
  return until(doing, limit, deps, never, async (elapsed) => {
    if (heed.signal.aborted) throw stopped(doing);
    return look(heed, elapsed);
  });
}

/** Nothing came of the request. A volume in use may be so by an earlier request that nobody answered. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof BackupError &&
    (error.kind === "refused" || error.kind === "denied") &&
    error.code !== "VolumeInUse"
  );
}

export function stopped(doing: string): BackupError {
  return new BackupError({ kind: "interrupted", doing, found: "it was told to stop" });
}

/** Requests that change something are never cut short: only their answers tell at once what is to be cleaned up. */
export function withoutHaste(deps: RestoreDeps): RestoreDeps {
  const { volumes } = deps;
  return {
    ...deps,
    volumes: {
      ...volumes,
      create: (volume) => volumes.create(volume, never),
      attach: (id, instance, device) => volumes.attach(id, instance, device, never),
    },
  };
}
