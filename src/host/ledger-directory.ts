import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { cannotWrite, codeOf, makeDirectory, unfinished } from "./atomic-file.ts";
import { superblockOf } from "./mount-descriptors.ts";
import { runProgram } from "./run-program.ts";

const ledgerFile = "ledger";
const complaint = "error.";

/**
 * A directory that has a ledger and what belongs to it. Everything that may happen while something is
 * frozen is synchronous: Node's threads for files can all be stuck in writes to a frozen filesystem, while
 * this directory never is.
 */
export interface LedgerDirectory {
  readonly path: string;
  /** The text of the ledger. Throws the system's error. */
  read(): string;
  append(line: string): void;
  /** The descriptors whose freeze was complained about: a file `error.N` is made as blanks, to have its room. */
  complaints(): ReadonlySet<number>;
  /** Keeps every freeze of this hold from beginning, if it has not. */
  endHold(hold: number): void;
  /** Lets those act who stand by to thaw in this hold, at most so many; whether there are any. */
  wake(hold: number, most: number): boolean;
  remove(): Promise<void>;
  /** Puts it aside, so that a person can look at it. Returns its new path. */
  setAside(): Promise<string>;
  superblock(): string | undefined;
  /** How others than root and we could have written it; nothing if they could not. Throws the system's error. */
  writers(): string | undefined;
  /** Takes the lock until the returned function is called or this process ends; nothing if another has it. */
  lock(flock: string): Promise<(() => void) | undefined>;
}

/** Makes sure of a directory that only we can write to. Throws `cannot-write`. */
export async function runtimeDirectory(directory: string): Promise<void> {
  try {
    await makeDirectory(directory);
    const { uid, mode } = await stat(directory);
    const who = userInfo().uid;
    if (uid !== who || (mode & 0o022) !== 0) {
      throw new BackupError({
        kind: "cannot-write",
        doing: `keep a ledger in ${directory}`,
        found: uid === who ? "others can write to it" : `it belongs to user ${uid}`,
        remedy: "make it a directory of mode 0700 of the user who runs the backup",
      });
    }
    await chmod(directory, 0o700);
  } catch (error) {
    throw error instanceof BackupError ? error : cannotWrite(`keep a ledger in ${directory}`, error);
  }
}

/** A new ledger with its first lines; it is there as a whole or not at all. Throws `cannot-write`. */
export async function createLedger(directory: string, kind: string, text: string): Promise<LedgerDirectory> {
  await runtimeDirectory(directory);
  const final = path.join(directory, `${kind}-${randomBytes(6).toString("hex")}`);
  const fresh = `${final}${unfinished}`;
  try {
    await mkdir(fresh, { mode: 0o700 });
    await writeFile(path.join(fresh, ledgerFile), text, { mode: 0o600 });
    await rename(fresh, final);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true }).catch(() => undefined);
    throw cannotWrite(`write a ledger in ${directory}`, error);
  }
  return ledgerDirectory(final);
}

/** All ledgers of a runtime directory, oldest name first; none if there is no such directory. */
export async function listLedgers(directory: string): Promise<LedgerDirectory[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw cannotWrite(`look for ledgers in ${directory}`, error);
  });
  return entries
    .filter((entry) => entry.isDirectory() && /^(guard|note)-[0-9a-f]{12}$/.test(entry.name))
    .map((entry) => ledgerDirectory(path.join(directory, entry.name)));
}

function ledgerDirectory(directory: string): LedgerDirectory {
  const file = path.join(directory, ledgerFile);
  return {
    path: directory,
    read: () => readFileSync(file, "utf8"),
    append: (line) => appendFileSync(file, `${line}\n`),
    complaints: () => complaintsIn(directory),
    // Written over what is there, since there may be no room for more.
    endHold: (hold) =>
      withOpen(
        path.join(directory, "over"),
        (descriptor) => writeSync(descriptor, `${hold}\n`, 0),
        constants.O_WRONLY | constants.O_CREAT,
      ),
    wake: (hold, most) => wake(path.join(directory, `go.${hold}`), most),
    remove: () => rm(directory, { recursive: true, force: true }),
    setAside: async () => {
      const aside = `${directory}.broken`;
      await rename(directory, aside);
      return aside;
    },
    superblock: () => withOpen(file, superblockOf),
    writers: () => writersOf(path.dirname(directory)) ?? writersOf(directory) ?? writersOf(file),
    lock: async (flock) => {
      const descriptor = openSync(file, constants.O_RDONLY);
      const unlock = (): void => closeSync(descriptor);
      try {
        if (await tryLock(flock, descriptor)) return unlock;
      } catch (error) {
        unlock();
        throw error;
      }
      unlock();
      return undefined;
    },
  };
}

function writersOf(file: string): string | undefined {
  const status = lstatSync(file);
  if (!status.isDirectory() && !status.isFile()) return `${file} is neither a directory nor a file`;
  if (status.uid !== 0 && status.uid !== userInfo().uid) return `${file} belongs to user ${status.uid}`;
  return (status.mode & 0o022) === 0 ? undefined : `others can write to ${file}`;
}

function complaintsIn(directory: string): ReadonlySet<number> {
  const files = readdirSync(directory).filter((name) => name.startsWith(complaint));
  const loud = files.filter((name) => readFileSync(path.join(directory, name), "utf8").trim() !== "");
  return new Set(loud.map((name) => Number(name.slice(complaint.length))));
}

/** A line for each; who only looks at a pipe that nobody reads gets an error, and does not wait. */
function wake(pipe: string, most: number): boolean {
  try {
    const flags = constants.O_WRONLY | constants.O_NONBLOCK;
    return withOpen(pipe, (descriptor) => writeSync(descriptor, "\n".repeat(most)) > 0, flags);
  } catch {
    return false;
  }
}

function withOpen<T>(file: string, use: (descriptor: number) => T, flags: number = constants.O_RDONLY): T {
  const descriptor = openSync(file, flags, 0o600);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The lock belongs to the open file, which the child shares with us. */
async function tryLock(flock: string, descriptor: number): Promise<boolean> {
  const ended = await runProgram(flock, ["-n", "3"], { descriptors: [descriptor] });
  if (ended?.code === 0 || ended?.code === 1) return ended.code === 0;
  throw new BackupError({
    kind: "unexpected",
    doing: "look whether a ledger is in use",
    found: `flock ${ended?.said ?? "did not end"}`,
  });
}
