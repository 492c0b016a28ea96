import type { ProcessIdentity } from "../host/process-identity.ts";

/** Something that outlives the process that did it, such as a lock that survives its connection. */
export interface Note {
  /** Who can undo it: `mongodb`. */
  readonly kind: string;
  /** For people: the hook's name. */
  readonly name: string;
  /** What is needed to undo it. Never a secret. */
  readonly data: unknown;
}

export interface LedgerMount {
  /** The number of the descriptor in the guard, and of the mount in the ledger. */
  readonly descriptor: number;
  readonly superblock: string;
  readonly path: string;
  /**
   * `freezing` whose complaint is not there counts as frozen by us; `busy` is frozen by somebody else;
   * `loose` was not frozen any more when it was to be thawed; `stuck` could not be thawed.
   */
  readonly state: MountState;
  /** While `freezing`: the process that does it. */
  readonly by?: ProcessIdentity;
}

type MountState = "none" | "freezing" | "frozen" | "busy" | "failed" | "thawed" | "loose" | "stuck";

/** What a ledger says. */
export interface Ledger {
  readonly boot: string;
  readonly agent: ProcessIdentity;
  /** Absent as long as it has not begun. */
  readonly guard?: ProcessIdentity;
  /** Of the last hold. */
  readonly timer?: ProcessIdentity;
  readonly mounts: readonly LedgerMount[];
  readonly notes: readonly Note[];
}

const title = "ec2-backup-ledger 1";

/** The first lines of a ledger, written before anything is done. */
export function formatLedger(ledger: {
  readonly boot: string;
  readonly agent: ProcessIdentity;
  readonly mounts: readonly Pick<LedgerMount, "descriptor" | "superblock" | "path">[];
  readonly notes: readonly Note[];
}): string {
  return [
    title,
    `boot ${ledger.boot}`,
    `agent ${ledger.agent.pid} ${ledger.agent.start}`,
    ...ledger.mounts.map((one) => `mount ${one.descriptor} ${one.superblock} ${JSON.stringify(one.path)}`),
    ...ledger.notes.map((one) => `note ${JSON.stringify(one)}`),
    "",
  ].join("\n");
}

/**
 * Reads a ledger; nothing if it does not begin as one. Of what was appended, a line that is not whole or not
 * known is passed over: a full directory cuts lines off, and the next one begins where they end.
 */
export function parseLedger(text: string): Ledger | undefined {
  const lines = text.split("\n");
  if (lines.shift() !== title) return undefined;
  // What has no end was cut off.
  lines.pop();
  const found: Draft = { mounts: new Map(), notes: [] };
  for (const line of lines) if (!readLine(line, found)) return undefined;
  const { boot, agent, guard, timer, mounts, notes } = found;
  if (boot === undefined || agent === undefined) return undefined;
  return {
    boot,
    agent,
    ...(guard === undefined ? {} : { guard }),
    ...(timer === undefined ? {} : { timer }),
    mounts: [...mounts.values()],
    notes,
  };
}

interface Draft {
  boot?: string;
  agent?: ProcessIdentity | undefined;
  guard?: ProcessIdentity | undefined;
  timer?: ProcessIdentity | undefined;
  readonly mounts: Map<number, LedgerMount>;
  readonly notes: Note[];
}

const states: ReadonlySet<string> = new Set(["frozen", "busy", "failed", "thawed", "loose", "stuck"]);

/** Whether the line could be understood, or is one that may have been cut off. */
function readLine(line: string, found: Draft): boolean {
  const [word = "", first = "", second = "", third = ""] = line.split(" ");
  switch (word) {
    case "boot":
      found.boot = first;
      return first !== "";
    case "agent":
      found.agent = identityOf(first, second);
      return found.agent !== undefined;
    case "guard":
    case "timer":
      found[word] = identityOf(first, second) ?? found[word];
      return true;
    case "mount":
      return readMount(line, found);
    case "note":
      return readNote(line.slice("note ".length), found);
    default:
      readState(word, Number(first), identityOf(second, third), found);
      return true;
  }
}

function readMount(line: string, found: Draft): boolean {
  const [, number, superblock, text] = /^mount (\d+) (\d+:\d+) (".*")$/.exec(line) ?? [];
  const path = parseJson(text ?? "");
  if (superblock === undefined || typeof path !== "string" || !path.startsWith("/")) return false;
  const descriptor = Number(number);
  found.mounts.set(descriptor, { descriptor, superblock, path, state: "none" });
  return true;
}

function readNote(text: string, found: Draft): boolean {
  const note = parseJson(text) as Partial<Note> | null | undefined;
  if (typeof note?.kind !== "string" || typeof note.name !== "string") return false;
  found.notes.push({ kind: note.kind, name: note.name, data: note.data });
  return true;
}

function readState(word: string, descriptor: number, by: ProcessIdentity | undefined, found: Draft): void {
  const mount = found.mounts.get(descriptor);
  if (mount === undefined) return;
  const { by: _, ...rest } = mount;
  if (word === "freezing") {
    if (by !== undefined) found.mounts.set(descriptor, { ...rest, state: word, by });
  } else if (states.has(word)) found.mounts.set(descriptor, { ...rest, state: word as MountState });
}

function identityOf(pid: string, start: string): ProcessIdentity | undefined {
  const isWhole = /^[1-9]\d*$/.test(pid) && /^\d+$/.test(start);
  return isWhole ? { pid: Number(pid), start } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * The mounts that are frozen by us, or may be: the last in the plan first. `complaints` are the
 * descriptors whose freeze is known to have failed; `isAlive` tells of a process that is freezing
 * whether it still is, and such a mount is in `waiting`.
 */
export function ownedMounts(
  mounts: readonly LedgerMount[],
  complaints: ReadonlySet<number>,
  isAlive: (one: ProcessIdentity) => boolean,
): { readonly frozen: readonly LedgerMount[]; readonly waiting: readonly LedgerMount[] } {
  const backwards = [...mounts].reverse();
  const freezing = backwards.filter(({ state }) => state === "freezing");
  const waiting = freezing.filter(({ by }) => by !== undefined && isAlive(by));
  const frozen = backwards.filter(
    (one) =>
      one.state === "frozen" ||
      one.state === "stuck" ||
      (one.state === "freezing" && !waiting.includes(one) && !complaints.has(one.descriptor)),
  );
  return { frozen, waiting };
}
