import { concealer, secretsOf } from "../core/conceal.ts";
import { type DumpConfig, type DumpHost, dumpDefaults } from "../core/dump-config.ts";
import { BackupError } from "../core/errors.ts";
import type { StreamSource } from "../core/store-ports.ts";
import { needProgram } from "../host/ask-program.ts";
import { dyingWithUs } from "../host/die-together.ts";
import { openSpool } from "../host/spool.ts";
import { runStream, type StreamEnd, type StreamOrder } from "../host/stream-program.ts";
import { systemEnvironment, systemPath, systemProgram } from "../host/system-path.ts";
import { type UserAccount, userAccount } from "../host/user-account.ts";
import { type DumpStory, failureOfDump, type Reason } from "./dump-failure.ts";
import { prepareCommands } from "./prepare-commands.ts";

/** A program that a dump wishes to run. */
export interface DumpWords {
  /** The first that is there is taken; one that begins with `/` is a path. */
  readonly programs: readonly string[];
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What it reads from its stdin, such as a password that it asks for. */
  readonly input?: string;
  /** Values that no message may show. */
  readonly secrets?: readonly (string | undefined)[];
  /** Which package has them, for the remedy. */
  readonly package?: string;
  /** What its own complaints mean. */
  readonly reasons?: readonly Reason[];
}

/** A program that was found and judged. */
export interface DumpProgram {
  readonly order: Omit<StreamOrder, "timeout" | "idleTimeout">;
  readonly path: string;
  readonly reasons: readonly Reason[];
  readonly conceal: (text: string) => string;
}

/**
 * The system's user that a dump's programs run as; absent = the agent's. PostgreSQL lets its own user in, so root
 * becomes that one where nothing else is said.
 */
function userOf(config: DumpConfig, uid: number | undefined): string | undefined {
  if (config.kind === "command") return config.user;
  if (config.kind !== "postgres") return config.runAs;
  return config.user ?? (uid === 0 && config.role === undefined ? "postgres" : undefined);
}

/** The account of that user, or of the agent's; absent for an agent whose uid has no name. */
export async function accountOf(
  config: DumpConfig,
  { uid }: DumpHost,
  signal: AbortSignal,
): Promise<UserAccount | undefined> {
  return userAccount(userOf(config, uid) ?? String(uid), signal);
}

/**
 * Finds a program as its user would, and refuses it where somebody else than root, the agent's user and that user
 * could write it. Rejects with a BackupError of kind `configuration`; nothing has run then.
 */
export async function prepareProgram(
  wish: DumpWords,
  config: DumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<DumpProgram> {
  if (host.uid === undefined)
    throw new BackupError({
      kind: "configuration",
      doing: `make the dump ${config.name}`,
      found: "a system without POSIX users and process groups",
      remedy: "make it on a Linux host",
    });
  const path =
    wish.env?.["PATH"] ?? [config.programs, systemPath].filter((one) => one !== undefined).join(":");
  const program = await chosen(wish, config, path);
  const user = userOf(config, host.uid);
  const { before, account, switched } = await prepareCommands(
    {
      kind: "command",
      name: `the dump ${config.name}`,
      before: [program, ...wish.args],
      env: { PATH: path },
      timeout: config.timeout ?? dumpDefaults.timeout,
      onFailure: "abort",
      ...(user === undefined ? {} : { user }),
    },
    host.uid,
    signal,
  );
  const env = environmentOf({ ...wish.env, PATH: path }, account, host);
  const secrets = (wish.secrets ?? []).filter((one) => one !== undefined && one !== "") as string[];
  return {
    order: {
      // A dump that waits for a lock would never hear that nobody reads it any more.
      words: await dyingWithUs(before ?? [], signal),
      env,
      ...(switched && account !== undefined ? { account } : {}),
      ...(wish.input === undefined ? {} : { input: wish.input }),
    },
    path,
    reasons: wish.reasons ?? [],
    conceal: concealer([...secrets, ...secretsOf(env)]),
  };
}

/** One name is left to be looked for as its user, who may see other places than the agent. */
async function chosen(
  { programs, package: from }: DumpWords,
  { name, programs: place }: DumpConfig,
  path: string,
) {
  const [first = ""] = programs;
  if (programs.length === 1) return first;
  const directories = path.split(":");
  for (const one of programs) {
    const found = await systemProgram(one, directories);
    if (found !== undefined) return found;
  }
  throw new BackupError({
    kind: "configuration",
    doing: `make the dump ${name}`,
    found: `neither ${programs.join(" nor ")} in ${place ?? path}`,
    remedy: `install ${from ?? "them"}, or name their directory by programs`,
  });
}

/** Nothing of the agent's own environment, thus neither its credentials nor its proxies. */
function environmentOf(
  given: Readonly<Record<string, string | undefined>>,
  account: UserAccount | undefined,
  host: DumpHost,
): Record<string, string> {
  const all = {
    LANG: "C.UTF-8",
    SHELL: "/bin/sh",
    HOME: account?.home ?? host.home,
    ...(account === undefined ? {} : { USER: account.name, LOGNAME: account.name }),
    ...given,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** What a short program prints; rejects unless it ended with 0. Milliseconds. */
export async function printedBy(
  { order, ...story }: DumpProgram,
  { kill, grace = 5_000 }: DumpHost,
  { doing, ms, signal }: { readonly doing: string; readonly ms: number; readonly signal: AbortSignal },
): Promise<string> {
  const end = await runStream({ ...order, timeout: ms, idleTimeout: ms }, { kill, grace }, signal);
  refuse(end, { ...story, doing, timeout: ms, idleTimeout: ms });
  return end.printed.toString("utf8");
}

/** The program as a stream of one file: straight, or by way of the directory for it. */
export function sourceOf(
  program: DumpProgram,
  file: string,
  config: DumpConfig,
  host: DumpHost,
): StreamSource {
  const doing = `dump ${file} of ${config.name}`;
  const timeout = config.timeout ?? dumpDefaults.timeout;
  const idleTimeout = config.idleTimeout ?? dumpDefaults.idleTimeout;
  const { order, ...known } = program;
  const story = { ...known, doing, timeout, idleTimeout };
  const manners = { kill: host.kill, grace: host.grace ?? 5_000 };
  const straight = async (output: number, signal: AbortSignal, unheld = (): void => undefined) =>
    refuse(
      await runStream({ ...order, output, timeout, idleTimeout }, { ...manners, unheld }, signal),
      story,
    );
  const byWayOf = async (spool: string, output: number, signal: AbortSignal, waiting?: () => void) => {
    const file = await openSpool(spool, host.uid ?? 0);
    // Whatever the system shows of the program: nothing is handed over before its end.
    const told = setInterval(() => waiting?.(), 250);
    try {
      await straight(file.writing, signal).finally(() => clearInterval(told));
      if ((await file.size()) === 0)
        throw new BackupError({ kind: "refused", doing, found: "it ended with 0 but wrote nothing" });
      const words = [await needProgram("cat")];
      const copy = {
        words,
        env: systemEnvironment,
        input: await file.reading(),
        output,
        timeout,
        idleTimeout,
      };
      refuse(await runStream(copy, manners, signal), { ...story, reasons: [], doing: `hand over ${doing}` });
    } finally {
      await file.close();
    }
  };
  return {
    file,
    start: (output, signal, waiting) => ({
      done:
        config.spool === undefined
          ? straight(output, signal, waiting)
          : byWayOf(config.spool, output, signal, waiting),
    }),
  };
}

function refuse(end: StreamEnd, story: DumpStory): void {
  const failure = failureOfDump(end, story);
  if (failure !== undefined) throw new BackupError(failure);
}
