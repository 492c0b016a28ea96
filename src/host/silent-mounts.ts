import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { isFar } from "../core/map-mounts.ts";
import { holderOf, type MountEntry } from "../core/mount-table.ts";
import { readMounts } from "./mounts.ts";

/** Seconds for the server of a filesystem to answer. */
const patience = 3;

/** Where a path leads that passes through a filesystem that somebody else answers for. */
interface FarPath {
  /** The first such mount on its way. */
  readonly through: MountEntry;
  /** The mount at its end, which may be another one, if no link in there leads elsewhere. */
  readonly to: MountEntry;
}

/**
 * Tells of such a path without asking anything of such a filesystem: whoever asks one whose server is gone waits for
 * ever, and a process of which a thread does so cannot even exit.
 */
async function farPath(file: string, entries: readonly MountEntry[]): Promise<FarPath | undefined> {
  if (!entries.some(isFar)) return undefined;
  // Not resolved before: after a link, `..` is not where it is in the text.
  const names = file.split("/").reverse();
  // As many links as the kernel follows.
  let links = 40;
  let at = path.isAbsolute(file) ? "/" : path.resolve();
  let through: MountEntry | undefined;
  let to: MountEntry | undefined;
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    const place = path.join(at, name);
    to = holderOf(place, entries);
    if (to !== undefined && isFar(to)) through ??= to;
    const asked = through === undefined && links > 0;
    const target = asked ? await readlink(place).catch(() => undefined) : undefined;
    if (target === undefined) at = place;
    else {
      links -= 1;
      if (path.isAbsolute(target)) at = "/";
      names.push(...target.split("/").reverse());
    }
  }
  return through === undefined || to === undefined ? undefined : { through, to };
}

/** A filesystem that does not answer. */
export interface Silence {
  /** The mount that a path leads to, as far as can be told without asking. */
  readonly to: MountEntry;
  /** In words. */
  readonly found: string;
}

/**
 * Where somebody else answers for a filesystem on the way of the path: has another process look there, and tells if it
 * gets no answer. Absent if all is well, or the path is this machine's alone.
 */
export async function silenceAt(
  file: string,
  entries: readonly MountEntry[],
  signal?: AbortSignal,
): Promise<Silence | undefined> {
  const far = await farPath(file, entries);
  if (far === undefined) return undefined;
  const { filesystem, path: place } = far.through;
  // Of the filesystem, since what is known of a file may be remembered. A file may be a mount of its own.
  const look = ["stat", "-f", "--", path.dirname(file), file];
  if (await isStillAsked(look))
    return { to: far.to, found: `the ${filesystem} at ${place} has not answered an earlier look yet` };
  const options = { timeout: patience * 2_000, ...(signal === undefined ? {} : { signal }) };
  // It ends by itself even if we are killed.
  const { askProgram } = await import("./ask-program.ts");
  const asking = askProgram("timeout", ["-s", "KILL", String(patience), ...look], options);
  const answer = await asking.catch((error: unknown) => {
    if (error instanceof BackupError && error.kind === "unexpected") return { code: 125, said: error.found };
    throw error;
  });
  // That there is no such file is an answer, too.
  if (answer.code === 0 || answer.code === 1) return undefined;
  const isKilled = answer.code === undefined || answer.code === 137;
  const found = isKilled ? `has not answered in ${patience} s` : `cannot be asked: ${answer.said}`;
  return { to: far.to, found: `the ${filesystem} at ${place} ${found}` };
}

/**
 * Whether an earlier look still waits in the kernel, where not even being killed ends it. Another one would do the same,
 * and they would be more with every look.
 */
async function isStillAsked(look: readonly string[]): Promise<boolean> {
  const wanted = `${look.join("\0")}\0`;
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const number of numbers) {
    const command = await readFile(`/proc/${number}/cmdline`, "utf8").catch(() => "");
    if (command.slice(command.indexOf("stat\0")) === wanted && (await ageOf(number)) > patience) return true;
  }
  return false;
}

/** Seconds since a process was started; the kernel counts hundredths. */
async function ageOf(number: string): Promise<number> {
  const facts = await readFile(`/proc/${number}/stat`, "utf8").catch(() => "");
  const started = Number(facts.slice(facts.lastIndexOf(")") + 2).split(" ")[19]) / 100;
  return Number.parseFloat(await readFile("/proc/uptime", "utf8")) - started;
}

/** @throws BackupError `cannot-write` if the filesystem of the path does not answer */
export async function refuseSilent(file: string, doing: string, signal?: AbortSignal): Promise<void> {
  // Other systems have no such list.
  const silence = await silenceAt(file, await readMounts().catch(() => []), signal);
  if (silence === undefined) return;
  const remedy = "have its server answer, or name a place on a disk of this machine";
  throw new BackupError({ kind: "cannot-write", doing, found: silence.found, remedy });
}
