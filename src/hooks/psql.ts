import { BackupError, type ErrorKind } from "../core/errors.ts";
import type { PostgresHookConfig } from "../core/hook-config.ts";
import { type Conversation, converse, type Ending, type Speaker } from "../host/conversation.ts";
import { systemPath } from "../host/system-path.ts";
import { remedyOfSwitch, type UserAccount, userAccount, wordsAs } from "../host/user-account.ts";
import { type Bound, bounded, withoutSecrets } from "./bounded.ts";

/** What the host says of the agent's process. */
export interface PostgresHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Absent on Windows. */
  readonly uid: number | undefined;
}

/** One session of psql, never made anew: it ends with its connection. */
export interface PsqlSession {
  /**
   * Runs one statement, in one line and without the semicolon, and gives what it printed. Fails with a
   * {@link BackupError} whose `code` is the SQLSTATE; when its time is up the session is cut.
   */
  ask(sql: string, bound: Bound): Promise<string>;
  /** Why the session is gone, if it is known to be. */
  lost(): string | undefined;
  /** Ends psql, by force after a second. Never throws. */
  close(): Promise<void>;
}

const closeGrace = 1000;

/**
 * How psql is started: all that names the server goes by the environment, where no database name can be
 * taken for a connection string, and no password can be in the arguments.
 */
export async function speakerOf(config: PostgresHookConfig, host: PostgresHost): Promise<Speaker> {
  const account = await accountToUse(config, host);
  const psql = ["psql", "-X", "-A", "-t", "-q", "-w"];
  const own = Object.entries(host.env).filter(([name]) => name.startsWith("PG"));
  const named = { PGHOST: config.host, PGPORT: config.port?.toString(), PGUSER: config.role };
  const env: Record<string, string | undefined> = {
    ...Object.fromEntries(own),
    PATH: host.env["PATH"] ?? systemPath,
    HOME: account?.home ?? host.home,
    LC_ALL: "C",
    PGCLIENTENCODING: "UTF8",
    PGAPPNAME: "ec2-backup",
    PGDATABASE: config.database,
    PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(config.timeout / 1000))),
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
  };
  const set = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  if (account === undefined) return { program: "psql", args: psql.slice(1), env: set };
  const [program = "", ...change] = wordsAs(account, "setpriv");
  return { program, args: [...change, ...psql], env: set };
}

/** The user to become; absent = stay who we are. */
async function accountToUse(
  config: PostgresHookConfig,
  { uid }: PostgresHost,
): Promise<UserAccount | undefined> {
  if (uid === undefined) return undefined;
  const name = config.user ?? (uid === 0 && config.role === undefined ? "postgres" : undefined);
  if (name === undefined) return undefined;
  const doing = `run psql as ${name}`;
  const account = await userAccount(name, new AbortController().signal);
  if (account === undefined)
    throw new BackupError({ kind: "configuration", doing, found: "there is no such user" });
  if (account.uid === uid) return undefined;
  if (uid === 0) return account;
  throw new BackupError({
    kind: "configuration",
    doing,
    found: `the agent runs as uid ${uid}, and only root can become another user`,
    remedy: "run the agent as root or leave user out",
  });
}

/** Starts psql and waits until it is connected. Fails with `unreachable`, `denied` or `configuration`. */
export async function openPsql(speaker: Speaker, bound: Bound): Promise<PsqlSession> {
  const talk = converse(speaker);
  const session = sessionOf(talk, [speaker.env["PGPASSWORD"]]);
  try {
    await session.ask("SELECT 1", bound);
    return session;
  } catch (error) {
    await session.close();
    const ending = talk.ended();
    const isOurs = error instanceof BackupError && error.kind === "interrupted";
    if (isOurs || ending === undefined || ending.signal !== undefined) throw error;
    throw startFailure(ending, [speaker.env["PGPASSWORD"]], bound.doing);
  }
}

function sessionOf(talk: Conversation, secrets: readonly (string | undefined)[]): PsqlSession {
  let cut: string | undefined;
  const lost = (): string | undefined => {
    const ending = talk.ended();
    return cut ?? (ending === undefined ? undefined : wordsOf(ending, secrets));
  };
  return {
    lost,
    close: () => talk.close(closeGrace),
    ask: async (sql, bound) => {
      const mark = crypto.randomUUID();
      talk.say(`${sql};`);
      talk.say(`\\echo ${mark} :ERROR :SQLSTATE`);
      talk.say("\\echo :LAST_ERROR_MESSAGE");
      talk.say(`\\echo ${mark} end`);
      try {
        return await bounded(answerOf(talk, mark, bound.doing, secrets), bound);
      } catch (error) {
        const isAnswer = error instanceof BackupError && error.code !== undefined;
        if (!isAnswer && talk.ended() === undefined) {
          cut ??= "we ended psql";
          void talk.close(0);
        }
        throw error;
      }
    },
  };
}

async function answerOf(
  talk: Conversation,
  mark: string,
  doing: string,
  secrets: readonly (string | undefined)[],
): Promise<string> {
  const printed = await linesUntil(talk, mark, doing, secrets);
  const said = await linesUntil(talk, mark, doing, secrets);
  const [isError, state] = printed.end.split(" ");
  if (isError === "false") return printed.lines.join("\n");
  if (isError !== "true") {
    const remedy = "it must be psql 11 or later, which can speak to older servers too";
    throw new BackupError({ kind: "configuration", doing, found: "psql is too old", remedy, code: "psql" });
  }
  const found = withoutSecrets(said.lines.join(" "), secrets);
  throw new BackupError({ kind: kindOf(state ?? ""), doing, found, code: state ?? "" });
}

async function linesUntil(
  talk: Conversation,
  mark: string,
  doing: string,
  secrets: readonly (string | undefined)[],
): Promise<{ readonly lines: string[]; readonly end: string }> {
  const lines: string[] = [];
  for (;;) {
    const line = await talk.next();
    if (line === undefined) {
      const ending = talk.ended();
      const found = ending === undefined ? "psql ended" : wordsOf(ending, secrets);
      throw new BackupError({ kind: "unreachable", doing, found });
    }
    if (line.startsWith(mark)) return { lines, end: line.slice(mark.length + 1) };
    lines.push(line);
  }
}

/** 42501: a privilege is missing. 57014: a time limit. 55000: not in this state. 57P..: the server goes. */
function kindOf(state: string): ErrorKind {
  if (state === "42501") return "denied";
  if (state === "57014" || state.startsWith("55")) return "refused";
  return state.startsWith("57P") || state.startsWith("08") ? "unreachable" : "unexpected";
}

function wordsOf(
  { code, signal, unstarted, errors }: Ending,
  secrets: readonly (string | undefined)[],
): string {
  if (unstarted !== undefined) return `psql cannot be started (${unstarted})`;
  const how = signal === undefined ? `psql ended with ${code}` : `psql was ended by ${signal}`;
  return errors === "" ? how : withoutSecrets(errors.replace(/^psql: (error: )?/, ""), secrets);
}

function startFailure(ending: Ending, secrets: readonly (string | undefined)[], doing: string): BackupError {
  const found = wordsOf(ending, secrets);
  if (ending.unstarted !== undefined || ending.code === 127 || /^setpriv:/.test(ending.errors)) {
    const remedy = remedyOfSwitch(ending.errors) ?? "psql and setpriv (of util-linux) must be in the PATH";
    return new BackupError({ kind: "configuration", doing, found, remedy });
  }
  // The server's own words begin with FATAL; what comes before them says that it could not be asked.
  const isDenied = /FATAL:/.test(found) && !/starting up|shutting down|too many/.test(found);
  const remedy = isDenied
    ? "peer authentication needs user to be the role's name; else a PGPASSFILE, and a line for the role in pg_hba.conf"
    : "is the server running? The job can name its host, or the directory of its socket, and its port";
  return new BackupError({
    kind: isDenied || /Permission denied|no password supplied/.test(found) ? "denied" : "unreachable",
    doing,
    found,
    remedy,
  });
}
