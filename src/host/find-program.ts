import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import {
  type Distrust,
  distrustOfPlaces,
  octal,
  placesOnTheWay,
  type TrustedUser,
} from "../core/distrust.ts";
import { BackupError, interrupted } from "../core/errors.ts";
import { look } from "./look.ts";
import { systemEnvironment } from "./system-path.ts";
import { remedyOfSwitch, type UserAccount, wordsAs } from "./user-account.ts";

/** Who will run a program, and where it is looked for. */
export interface Searcher {
  readonly path: string;
  /** Another user than the agent's, with the path of setpriv(1) that changes to it. */
  readonly as?: { readonly account: UserAccount; readonly setpriv: string };
}

/** Milliseconds; a directory on a network that does not answer must not keep a run. */
const patience = 10_000;

/** Prints the first of its arguments that is a file which may be executed. */
const probe = 'for f do [ -f "$f" ] && [ -x "$f" ] && printf %s "$f" && exit; done; exit 1';

/**
 * The path of a program that its user may execute, by a whole path or by a name to be found in the PATH.
 * Rejects with a BackupError that says where it was looked for.
 */
export async function findProgram(name: string, searcher: Searcher, signal: AbortSignal): Promise<string> {
  const doing = `find the program ${name}`;
  if (name.includes("/") && !name.startsWith("/"))
    throw unusable(doing, "a relative path", "write its whole path, since commands are run in /");
  const directories = searcher.path.split(":").filter((one) => one.startsWith("/"));
  const candidates = name.startsWith("/") ? [name] : directories.map((one) => `${one}/${name}`);
  const found = await firstExecutable(candidates, searcher, signal, doing);
  return found ?? (await complain(name, doing, candidates, searcher));
}

/** As the user itself sees it: modes, access lists, capabilities and mount options are the kernel's to judge. */
function firstExecutable(
  candidates: readonly string[],
  { as }: Searcher,
  signal: AbortSignal,
  doing: string,
): Promise<string | undefined> {
  const prefix = as === undefined ? [] : wordsAs(as.account, as.setpriv);
  const [program = "", ...words] = [...prefix, "/bin/sh", "-c", probe, "sh", ...candidates];
  const options = { cwd: "/", env: systemEnvironment, timeout: patience, signal };
  return new Promise((resolve, reject) => {
    execFile(program, words, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (signal.aborted) return reject(interrupted(doing));
      if (error.code === 1 && stderr === "") return resolve(undefined);
      const found = error.killed === true ? `no answer after ${patience / 1000} s` : stderr.trim();
      const why = found === "" ? `the search failed (${error.code})` : found;
      reject(unusable(doing, why, remedyOfSwitch(found)));
    });
  });
}

async function complain(
  name: string,
  doing: string,
  candidates: readonly string[],
  { as, path }: Searcher,
): Promise<never> {
  const who = as === undefined ? "the agent's user" : `the user ${as.account.name}`;
  for (const candidate of candidates) {
    const stats = await stat(candidate).catch(() => undefined);
    if (stats === undefined) continue;
    if (!stats.isFile()) throw unusable(doing, `${candidate} is no file`);
    const owner = `owner uid ${stats.uid}, mode ${octal(stats.mode)}`;
    const found = `${candidate} may not be executed by ${who} (${owner})`;
    throw unusable(doing, found, `chmod a+x ${candidate}, and let the user into the directories above`);
  }
  if (name.startsWith("/")) throw unusable(doing, "there is no such file", "install it, or correct the path");
  throw unusable(doing, `none in PATH=${path}`, "write its whole path, or set PATH under env");
}

/**
 * Refuses a program that anybody but root and the trusted users could have written or could exchange. All
 * reasons are told at once, in a BackupError.
 */
export async function refuseUntrusted(program: string, trusted: readonly TrustedUser[]): Promise<void> {
  const distrust = distrustOfPlaces(await placesOnTheWay(program, look), trusted);
  if (distrust.length === 0) return;
  const remedies = distrust.map(({ remedy }) => remedy).join(" && ");
  throw unusable(`trust the program ${program}`, distrust.map(sentence).join(", and "), remedies);
}

function sentence({ path, expected, found }: Distrust): string {
  return `${path} should be ${expected}, but has ${found}`;
}

function unusable(doing: string, found: string, remedy?: string): BackupError {
  return new BackupError({
    kind: "configuration",
    doing,
    found,
    ...(remedy === undefined ? {} : { remedy }),
  });
}
