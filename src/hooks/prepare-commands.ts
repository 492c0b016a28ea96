import { BackupError } from "../core/errors.ts";
import type { CommandHookConfig, CommandLine } from "../core/hook-config.ts";
import { openCommandLog } from "../host/command-log.ts";
import { findProgram, refuseUntrusted, type Searcher } from "../host/find-program.ts";
import { namedPrograms } from "../host/named-programs.ts";
import { systemPath, systemProgram } from "../host/system-path.ts";
import { type UserAccount, userAccount, wordsAs } from "../host/user-account.ts";

/** Both commands, ready to be run. */
export interface PreparedCommands {
  /** All words, with those that change the user. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /** Who they run as; absent for an agent whose uid has no name. */
  readonly account?: UserAccount;
  /** Whether that is another user than the agent's. */
  readonly switched: boolean;
}

/**
 * Looks up the user, finds both programs as that user would, judges who could have written them and opens
 * the log once. Rejects with a BackupError of kind `configuration` or `cannot-write`; nothing has run then.
 */
export async function prepareCommands(
  config: CommandHookConfig,
  uid: number | undefined,
  signal: AbortSignal,
): Promise<PreparedCommands> {
  if (uid === undefined)
    throw new BackupError({
      kind: "configuration",
      doing: `prepare ${config.name}`,
      found: "a system without POSIX users and process groups",
      remedy: "leave command hooks out here",
    });
  const account = await accountOf(config, uid, signal);
  const setpriv =
    account === undefined || account.uid === uid ? undefined : await switching(config, account, uid);
  const as = account === undefined || setpriv === undefined ? undefined : { account, setpriv };
  const searcher: Searcher = {
    path: config.env["PATH"] ?? systemPath,
    ...(as === undefined ? {} : { as }),
  };
  const trusted = [
    { uid, name: "the agent's user" },
    ...(as === undefined ? [] : [{ uid: as.account.uid, name: `the user ${as.account.name}` }]),
  ];
  const prefix = as === undefined ? [] : wordsAs(as.account, as.setpriv);
  const ready = async (line: CommandLine): Promise<readonly string[]> => {
    const [name = "", ...rest] = typeof line === "string" ? ["/bin/sh", "-c", line] : line;
    const program = await findProgram(name, searcher, signal);
    await refuseUntrusted(program, trusted);
    for (const named of await namedPrograms(line)) await refuseUntrusted(named, trusted);
    return [...prefix, program, ...rest];
  };
  const before = config.before === undefined ? undefined : await ready(config.before);
  const after = config.after === undefined ? undefined : await ready(config.after);
  // Now, since a log that cannot be opened when the capture is over would keep `after` from running.
  if (config.log !== undefined) await (await openCommandLog(config.log, uid, signal)).close();
  return {
    switched: as !== undefined,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(account === undefined ? {} : { account }),
  };
}

async function accountOf(
  { user, name }: CommandHookConfig,
  uid: number,
  signal: AbortSignal,
): Promise<UserAccount | undefined> {
  const account = await userAccount(user ?? String(uid), signal);
  if (account === undefined && user !== undefined)
    throw new BackupError({
      kind: "configuration",
      doing: `prepare ${name}`,
      found: `there is no user ${user}`,
      remedy: "add the user, or correct the name",
    });
  return account;
}

/** The path of setpriv(1), which changes the user. */
async function switching({ name }: CommandHookConfig, account: UserAccount, uid: number): Promise<string> {
  const doing = `prepare ${name}`;
  if (uid !== 0) {
    const found = `the agent is no root (uid ${uid}) and cannot become ${account.name}`;
    throw new BackupError({ kind: "configuration", doing, found, remedy: "run the agent as root" });
  }
  const setpriv = await systemProgram("setpriv");
  if (setpriv !== undefined) return setpriv;
  const found = `no setpriv in ${systemPath}, which changes the user`;
  throw new BackupError({ kind: "configuration", doing, found, remedy: "install util-linux" });
}
