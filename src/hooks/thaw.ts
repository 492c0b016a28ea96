import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { LedgerReport, ThawedMount, ThawReport, UndoneNote } from "../core/thaw-report.ts";
import { codeOf } from "../host/atomic-file.ts";
import { type LedgerDirectory, listLedgers } from "../host/ledger-directory.ts";
import { closeDescriptors, hasDevice, mountTable, openMount } from "../host/mount-descriptors.ts";
import { bootId, isAlive, signalProcess } from "../host/process-identity.ts";
import { findPrograms } from "../host/programs.ts";
import { sleep } from "../host/sleep.ts";
import { type Ledger, type LedgerMount, ownedMounts, parseLedger } from "./ledger.ts";
import { thawDescriptor } from "./own-thaw.ts";

/** Times in milliseconds. */
export interface ThawOptions {
  readonly runtimeDirectory: string;
  /** How long those who still hold a ledger that is urged are waited for, and how long a thaw may take. */
  readonly wait: number;
  /** Whether a guard is told to thaw now although its agent lives; that of a dead agent is told in any case. */
  readonly urge: boolean;
  /** Who undoes notes, by their kind. */
  readonly undo?: Readonly<Record<string, (data: unknown) => Promise<void>>>;
  readonly programDirectories?: readonly string[];
}

type Programs = Readonly<Record<"sh" | "fsfreeze" | "flock", string>>;

/**
 * Thaws what agents and guards that are dead left frozen, and hands what else they left to who can undo
 * it. Only what a ledger of this boot calls ours is touched: what others froze stays frozen. Throws only if
 * nothing can be done at all (no such programs, no right to read the runtime directory).
 */
export async function thawLeftovers(options: ThawOptions): Promise<ThawReport> {
  const directories = await listLedgers(options.runtimeDirectory);
  if (directories.length === 0) return { ledgers: [] };
  const programs = await findPrograms(["sh", "fsfreeze", "flock"], options.programDirectories);
  const boot = bootId();
  const all = directories.map((directory) => settle(directory, boot, programs, options));
  return { ledgers: (await Promise.all(all)).filter((one) => one !== undefined) };
}

/** Nothing, if the ledger went away by itself. */
async function settle(
  directory: LedgerDirectory,
  boot: string,
  programs: Programs,
  options: ThawOptions,
): Promise<LedgerReport | undefined> {
  const none = { ledger: directory.path, mounts: [], notes: [] };
  const urged = new Map<string, ThawedMount>();
  try {
    const others = directory.writers();
    if (others !== undefined) return { ...none, state: "failed", problem: distrusted(directory, others) };
    const unlock = await lockOf(directory, programs, options, urged);
    if (unlock === undefined) return { ...none, state: "in-use" };
    try {
      const ledger = parseLedger(directory.read());
      if (ledger === undefined) return { ...none, ...(await broken(directory)) };
      if (ledger.boot !== boot) {
        await directory.remove();
        return { ...none, state: "earlier-boot" };
      }
      if (isBeginning(ledger)) return { ...none, state: "in-use" };
      const report = await undoAll(directory, ledger, programs, options);
      for (const { superblock } of report.mounts) urged.delete(superblock);
      return { ...report, mounts: [...urged.values(), ...report.mounts] };
    } finally {
      unlock();
    }
  } catch (error) {
    // Those who lived have cleared up behind themselves, or were ended in the midst of it.
    if (codeOf(error) === "ENOENT") {
      await removeRest(directory);
      return urged.size === 0 ? undefined : { ...none, state: "done", mounts: [...urged.values()] };
    }
    return { ...none, state: "failed", problem: failureOf(error, `thaw what ${directory.path} tells of`) };
  }
}

/** A ledger comes into being as a whole, so that a directory without one is what is left of it. */
async function removeRest(directory: LedgerDirectory): Promise<void> {
  try {
    directory.read();
  } catch (error) {
    if (codeOf(error) === "ENOENT") await directory.remove().catch(() => undefined);
  }
}

function distrusted(directory: LedgerDirectory, found: string): Failure {
  return {
    kind: "denied",
    doing: `thaw by the ledger ${directory.path}`,
    found: `${found}; nothing was thawed by it, and nobody was told to`,
    remedy: "find out who wrote it; thaw what is frozen by fsfreeze -u, and remove it",
  };
}

/** Its guard has yet to take the lock, or it has none since it is a note: then the agent's life counts. */
function isBeginning({ guard, agent }: Ledger): boolean {
  return guard === undefined && isAlive(agent);
}

async function broken(directory: LedgerDirectory): Promise<Pick<LedgerReport, "state" | "problem">> {
  const aside = await directory.setAside();
  const problem: Failure = {
    kind: "unexpected",
    doing: `read the ledger ${directory.path}`,
    found: "it is not as it was written; nothing was thawed by it",
    remedy: `look into ${aside} for mounts that may be frozen, and thaw them by fsfreeze -u`,
  };
  return { state: "broken", problem };
}

/**
 * The lock of the ledger, once all who may still freeze are gone; urged, they go at once, and thaw what is
 * added to `urged`.
 */
async function lockOf(
  directory: LedgerDirectory,
  { sh, flock }: Programs,
  { urge, wait }: ThawOptions,
  urged: Map<string, ThawedMount>,
): Promise<(() => void) | undefined> {
  const end = performance.now() + wait;
  for (;;) {
    const unlock = await directory.lock(flock);
    if (unlock !== undefined || performance.now() >= end) return unlock;
    const ledger = parseLedger(directory.read());
    // Of an agent that is dead nobody expects anything any more, and a freeze may only now come to its end.
    if (!urge && (ledger === undefined || isAlive(ledger.agent))) return undefined;
    const { frozen } = ownedMounts(ledger?.mounts ?? [], directory.complaints(), () => false);
    for (const { path, superblock } of frozen) urged.set(superblock, { path, superblock, outcome: "thawed" });
    // Said again each time: a shell may miss a signal, and a stopped guard hears it only when it goes on.
    for (const [one, signal] of [
      [ledger?.guard, "TERM"],
      [ledger?.guard, "CONT"],
      [ledger?.timer, "USR2"],
      [ledger?.timer, "CONT"],
    ] as const) {
      if (one !== undefined) await signalProcess(one, signal, sh);
    }
    await sleep(100);
  }
}

async function undoAll(
  directory: LedgerDirectory,
  ledger: Ledger,
  { fsfreeze }: Programs,
  { wait, undo = {} }: ThawOptions,
): Promise<LedgerReport> {
  const { frozen } = ownedMounts(ledger.mounts, directory.complaints(), () => false);
  const mounts = await Promise.all(frozen.map((mount) => thawMount(mount, fsfreeze, wait, directory)));
  const notes = await Promise.all(ledger.notes.map((note) => undoNote(note, undo[note.kind])));
  const outcomes = new Set([...mounts, ...notes].map(({ outcome }) => outcome));
  const left = outcomes.has("failed") ? "failed" : outcomes.has("not-mounted") ? "unmounted" : "done";
  if (left === "done") await directory.remove();
  const report = { ledger: directory.path, state: left, mounts, notes } as const;
  const away = mounts.filter(({ outcome }) => outcome === "not-mounted");
  return away.length === 0 ? report : { ...report, problem: notMounted(away) };
}

/** A filesystem that was frozen when it was unmounted stays frozen in the system. */
function notMounted(away: readonly ThawedMount[]): Failure {
  return {
    kind: "unexpected",
    doing: `thaw ${away.map(({ path, superblock }) => `${path} (device ${superblock})`).join(", ")}`,
    found:
      "it is mounted nowhere any more; what is unmounted while it is frozen IS FROZEN STILL when it is mounted",
    remedy: "mount it and run `ec2-backup thaw` again",
  };
}

async function thawMount(
  { path, superblock, descriptor: number }: LedgerMount,
  fsfreeze: string,
  timeout: number,
  directory: LedgerDirectory,
): Promise<ThawedMount> {
  const table = mountTable().filter((mount) => mount.superblock === superblock);
  const places = [...table.filter((one) => one.path === path), ...table].map((one) => one.path);
  const descriptor = openFirst(places, superblock);
  if (descriptor === undefined) {
    if (places.length === 0)
      return { path, superblock, outcome: hasDevice(superblock) ? "not-mounted" : "gone" };
    const found = `its filesystem is mounted at ${[...new Set(places)].join(", ")}, but hidden there`;
    return { path, superblock, outcome: "failed", found };
  }
  try {
    const { word, why } = await thawDescriptor(fsfreeze, descriptor, timeout);
    if (word === "stuck") return { path, superblock, outcome: "failed", found: why };
    directory.append(`${word} ${number}`);
    return { path, superblock, outcome: word === "thawed" ? "thawed" : "was-not-frozen" };
  } finally {
    closeDescriptors([descriptor]);
  }
}

/** The first of the places that leads to the filesystem: another may be mounted over it. */
function openFirst(places: readonly string[], superblock: string): number | undefined {
  for (const place of places) {
    try {
      return openMount(place, superblock);
    } catch {
      // The next one may do.
    }
  }
  return undefined;
}

async function undoNote(
  { kind, name, data }: Ledger["notes"][number],
  undo: ((data: unknown) => Promise<void>) | undefined,
): Promise<UndoneNote> {
  try {
    if (undo === undefined)
      throw new BackupError({ kind: "unexpected", doing: `undo ${kind}`, found: "nobody here knows how" });
    await undo(data);
    return { kind, name, outcome: "undone" };
  } catch (error) {
    return { kind, name, outcome: "failed", found: failureOf(error, `undo ${name}`).found };
  }
}
