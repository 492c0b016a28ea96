import type { LedgerDirectory } from "../host/ledger-directory.ts";
import { isAlive } from "../host/process-identity.ts";
import { runProgram } from "../host/run-program.ts";
import { sleep } from "../host/sleep.ts";
import { ownedMounts, parseLedger } from "./ledger.ts";

/** `loose`: it was not frozen any more; `stuck`: it is frozen still. */
export interface Thawed {
  readonly word: "thawed" | "loose" | "stuck";
  readonly why: string;
}

/** Thaws the filesystem of an open directory. Milliseconds. Never throws. */
export async function thawDescriptor(fsfreeze: string, descriptor: number, timeout: number): Promise<Thawed> {
  const words = ["-u", "/proc/self/fd/3"];
  const ended = await runProgram(fsfreeze, words, { descriptors: [descriptor], timeout });
  if (ended?.code === 0) return { word: "thawed", why: "" };
  const why = ended?.said ?? `it has not ended after ${timeout} ms`;
  return { word: why.includes("Invalid argument") ? "loose" : "stuck", why };
}

/** How often it is looked whether a freeze that was under way has ended. Milliseconds. */
const pause = 20;
/** How often a thaw that failed is tried again. Milliseconds. */
const pauseOfStuck = 100;
/** How long those who stand by to thaw are given before it is done without them. Milliseconds. */
const head = 60;

/** What is being thawed, and what is known of it that may have found no room in the ledger. */
export interface OwnThaw {
  readonly ledger: LedgerDirectory;
  readonly hold: number;
  /** By their numbers in the guard. */
  readonly descriptors: ReadonlyMap<number, number>;
  /** Those that are not ours to thaw: somebody else's, or thawed by us. */
  readonly settled: Set<number>;
  /** What kept those that are stuck from being thawed. */
  readonly reasons: Map<number, string>;
}

/**
 * The agent's own thaw, for when its guard is gone or silent: what the ledger says is ours, by those who
 * stand by if they live, then through its own descriptors. Waits for what is just being frozen, and tries
 * again what it could not thaw, until nothing is left or the signal ends it. Touches no file but those of
 * the ledger. Never throws.
 */
export async function ownThaw(
  one: OwnThaw & { readonly fsfreeze: string; readonly timeout: number },
  signal: AbortSignal,
): Promise<void> {
  const { ledger, hold, descriptors, settled, reasons } = one;
  // What has not begun to freeze will not begin after this.
  attempt(() => ledger.endHold(hold));
  if (ledger.wake(hold, descriptors.size)) await gone(one, head);
  let hasAnswered = false;
  for (;;) {
    const { frozen, waiting } = ownedBy(one);
    const words = await Promise.all(
      frozen.map(async (number) => {
        const descriptor = descriptors.get(number);
        if (descriptor === undefined) return "loose";
        const { word, why } = await thawDescriptor(one.fsfreeze, descriptor, one.timeout);
        if (word === "stuck") reasons.set(number, why);
        else settled.add(number);
        attempt(() => ledger.append(`${word} ${number}`));
        return word;
      }),
    );
    if (!hasAnswered) attempt(() => ledger.append(`answered ${hold}`));
    hasAnswered = true;
    const isStuck = words.includes("stuck");
    if ((!isStuck && waiting.length === 0) || signal.aborted) break;
    await sleep(isStuck ? pauseOfStuck : pause);
    if (signal.aborted) break;
  }
}

/** Waits until nothing is frozen, for some milliseconds. */
async function gone(one: OwnThaw, patience: number): Promise<void> {
  const end = performance.now() + patience;
  while (ownedBy(one).frozen.length > 0 && performance.now() < end) await sleep(4);
}

/** What is ours: frozen, or being frozen still. Where the ledger cannot be read, everything may be. */
export function ownedBy({ ledger, descriptors, settled }: Omit<OwnThaw, "hold" | "reasons">): {
  readonly frozen: readonly number[];
  readonly waiting: readonly number[];
} {
  const complaints = attempt(() => ledger.complaints()) ?? new Set();
  const mounts = attempt(() => parseLedger(ledger.read())?.mounts);
  if (mounts === undefined) {
    const may = [...descriptors.keys()].filter((number) => !complaints.has(number) && !settled.has(number));
    return { frozen: may, waiting: [] };
  }
  const { frozen, waiting } = ownedMounts(mounts, complaints, isAlive);
  const numbers = frozen.map(({ descriptor }) => descriptor).filter((number) => !settled.has(number));
  return { frozen: numbers, waiting: waiting.map(({ descriptor }) => descriptor) };
}

function attempt<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
