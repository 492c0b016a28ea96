import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Held, Holding, Hook, HookFacts, PreparedHook } from "../core/hook.ts";
import type { PostgresHookConfig } from "../core/hook-config.ts";
import type { Bound } from "./bounded.ts";
import { aboutOf, type PostgresServer, refuseUngranted } from "./postgres-server.ts";
import { openPsql, type PostgresHost, type PsqlSession, speakerOf } from "./psql.ts";

/** The server ends a statement at the timeout; its own word of that is better than our silence. Milliseconds. */
const answerGrace = 2_000;
const longestLabel = 4_096;

/**
 * Readies PostgreSQL for an atomic set: by a checkpoint, so that recovery from it is short, or by a backup
 * that is begun before the capture and ended after it, in one session.
 */
export function postgresHook(config: PostgresHookConfig, host: PostgresHost): Hook {
  return {
    name: config.name,
    kind: "database",
    onFailure: config.onFailure,
    prepare: async (facts, signal) => {
      const speaker = await speakerOf(config, host);
      const doing = `connect to database ${config.database} of PostgreSQL`;
      const connect = (stop: AbortSignal): Promise<PsqlSession> =>
        openPsql(speaker, { ms: config.timeout + answerGrace, signal: stop, doing });
      const session = await connect(signal);
      try {
        const server = await aboutOf(session, { ms: config.timeout, signal, doing: "look at the server" });
        refuseUngranted(server, config.mode);
        return prepared(config, facts, server, session, connect);
      } catch (error) {
        await session.close();
        throw error;
      }
    },
  };
}

function prepared(
  config: PostgresHookConfig,
  facts: HookFacts,
  server: PostgresServer,
  first: PsqlSession,
  connect: (signal: AbortSignal) => Promise<PsqlSession>,
): PreparedHook {
  let session = first;
  return {
    hold: async (signal) => {
      if (session.lost() !== undefined) session = await connect(signal);
      const bound = (doing: string): Bound => ({ ms: config.timeout + answerGrace, signal, doing });
      try {
        const pid = await session.ask("SELECT pg_backend_pid()", bound("look at the connection"));
        await session.ask(`SET statement_timeout = ${Math.round(config.timeout)}`, bound("limit the time"));
        const begun =
          config.mode === "backup"
            ? await beginBackup(session, config, facts, server, bound)
            : await checkpoint(session, server, bound);
        return held(session, config, server, pid, { ...server.facts, ...begun });
      } catch (error) {
        // A backup that was begun ends with its session.
        await session.close();
        throw error;
      }
    },
    close: () => session.close(),
  };
}

async function checkpoint(
  session: PsqlSession,
  server: PostgresServer,
  bound: (doing: string) => Bound,
): Promise<Record<string, string>> {
  await session.ask("CHECKPOINT", bound("make a checkpoint"));
  // On a standby it is a restartpoint, and none newer than the primary's last checkpoint.
  const name = server.isStandby ? "restartpoint" : "checkpoint";
  if (server.version < 100_000) return { [name]: "made" };
  const at = await session.ask("SELECT redo_lsn FROM pg_control_checkpoint()", bound("read where it is"));
  return { [name]: at };
}

async function beginBackup(
  session: PsqlSession,
  config: PostgresHookConfig,
  facts: HookFacts,
  server: PostgresServer,
  bound: (doing: string) => Bound,
): Promise<Record<string, string>> {
  const label = `'ec2-backup ${facts.job} ${facts.run}'`.replace(/[^\w' .-]/g, "_");
  const begin =
    server.version >= 150_000 ? `pg_backup_start(${label}, true)` : `pg_start_backup(${label}, true, false)`;
  // Before 14 the server cannot limit an idle session; what it would keep is only a longer log.
  if (server.version >= 140_000)
    await session.ask(
      `SET idle_session_timeout = ${Math.max(1, Math.round(config.deadline))}`,
      bound("limit the backup's time"),
    );
  return { "backup-start": await session.ask(`SELECT ${begin}`, bound("begin a backup")) };
}

function held(
  session: PsqlSession,
  config: PostgresHookConfig,
  server: PostgresServer,
  pid: string,
  facts: Readonly<Record<string, string>>,
): Held {
  const bound = (doing: string): Bound => ({ ms: config.timeout + answerGrace, doing });
  return {
    release: async (captured) => {
      const problems: Failure[] = [...server.problems];
      const more: Record<string, string> = {};
      const doing = config.mode === "backup" ? "keep the backup open" : "keep the connection";
      try {
        const now = await session.ask("SELECT pg_backend_pid()", bound(doing));
        if (now !== pid)
          throw new BackupError({ kind: "unreachable", doing, found: `backend ${pid} is gone` });
        if (config.mode === "backup")
          Object.assign(more, await endBackup(session, server, bound("end the backup")));
      } catch (error) {
        const { kind, found } = failureOf(error, doing);
        const remedy = "see the server's log: did it restart, or was the capture longer than the deadline?";
        problems.push({ kind, doing, found: `the session broke: ${found}`, remedy });
        await session.close();
      }
      const all = captured ? { ...facts, ...more } : facts;
      return { held: problems.length === 0, problems, facts: all } satisfies Holding;
    },
  };
}

/** What the server gives at the end is nowhere else: without the label a restore cannot begin at the start. */
async function endBackup(
  session: PsqlSession,
  server: PostgresServer,
  bound: Bound,
): Promise<Record<string, string>> {
  let end = "pg_backup_stop(wait_for_archive => false)";
  if (server.version < 150_000) end = "pg_stop_backup(false, false)";
  if (server.version < 100_000) end = "pg_stop_backup(false)";
  const answer = await session.ask(`SELECT row_to_json(stopped) FROM ${end} AS stopped`, bound);
  if (server.version >= 140_000) await session.ask("SET idle_session_timeout = DEFAULT", bound);
  const stopped = JSON.parse(answer) as { lsn: string; labelfile: string; spcmapfile: string | null };
  return {
    "backup-stop": stopped.lsn,
    "backup-label": stopped.labelfile.slice(0, longestLabel),
    ...(stopped.spcmapfile ? { "tablespace-map": stopped.spcmapfile.slice(0, longestLabel) } : {}),
  };
}
