import { BackupError, type Failure } from "../core/errors.ts";
import type { PostgresHookConfig } from "../core/hook-config.ts";
import type { Bound } from "./bounded.ts";
import type { PsqlSession } from "./psql.ts";

/** What matters of a server. */
export interface PostgresServer {
  /** As in `server_version_num`: 150004, or 90624 before version 10. */
  readonly version: number;
  readonly isStandby: boolean;
  /** The role, quoted as an identifier. */
  readonly role: string;
  readonly mayCheckpoint: boolean;
  readonly mayBackUp: boolean;
  readonly facts: Readonly<Record<string, string>>;
  /** What makes every copy of its files doubtful. */
  readonly problems: readonly Failure[];
}

/** Functions that begin and end a backup, since which version; from 15 on the others are gone. */
const backupFunctions = [
  { since: 150_000, names: ["pg_backup_start(text,boolean)", "pg_backup_stop(boolean)"] },
  { since: 100_000, names: ["pg_start_backup(text,boolean,boolean)", "pg_stop_backup(boolean,boolean)"] },
  { since: 90_600, names: ["pg_start_backup(text,boolean,boolean)", "pg_stop_backup(boolean)"] },
];

function functionsOf(version: number): readonly string[] {
  return backupFunctions.find(({ since }) => version >= since)?.names ?? [];
}

/** Looks at the server. Changes nothing. Fails with `configuration` where it is too old. */
export async function aboutOf(session: PsqlSession, bound: Bound): Promise<PostgresServer> {
  const version = Number(await session.ask("SHOW server_version_num", bound));
  if (!(version >= 90_600)) {
    const found = `the server's version is ${version}, and backups in one session came with 9.6`;
    throw new BackupError({ kind: "configuration", doing: bound.doing, found });
  }
  const mayRun = functionsOf(version).map((name) => `has_function_privilege('${name}', 'EXECUTE')`);
  const checkpointer = version >= 150_000 ? "OR pg_has_role('pg_checkpoint', 'USAGE')" : "";
  const answer = await session.ask(
    "SELECT json_build_object('standby', pg_is_in_recovery(), 'role', quote_ident(current_user)," +
      ` 'checkpoint', rolsuper ${checkpointer}, 'backup', ${mayRun.join(" AND ")},` +
      " 'fsync', current_setting('fsync'), 'archive', current_setting('archive_mode')," +
      " 'version', current_setting('server_version')," +
      " 'tablespaces', (SELECT string_agg(pg_tablespace_location(oid), ', ') FROM pg_tablespace" +
      " WHERE pg_tablespace_location(oid) <> ''))" +
      " FROM pg_roles WHERE rolname = current_user",
    bound,
  );
  const about = JSON.parse(answer) as {
    standby: boolean;
    role: string;
    checkpoint: boolean;
    backup: boolean;
    fsync: string;
    archive: string;
    version: string;
    tablespaces: string | null;
  };
  return {
    version,
    isStandby: about.standby,
    role: about.role,
    mayCheckpoint: about.checkpoint,
    mayBackUp: about.backup,
    facts: {
      server: `PostgreSQL ${about.version}${about.standby ? ", standby" : ""}`,
      archive: about.archive,
      // A restore needs them from the same set; the paths let the reader see whether they are in it.
      ...(about.tablespaces === null ? {} : { tablespaces: about.tablespaces }),
      ...(await directoryOf(session, bound)),
    },
    problems: about.fsync === "on" ? [] : [unsynced],
  };
}

const unsynced: Failure = {
  kind: "refused",
  doing: "rely on what PostgreSQL has on its disks",
  found: "the server runs with fsync = off, so its files may be incomplete after any crash and in any copy",
  remedy: "set fsync = on in postgresql.conf",
};

/** Only roles that may read all settings are told where the data lies. */
async function directoryOf(session: PsqlSession, bound: Bound): Promise<Record<string, string>> {
  try {
    return { "data-directory": await session.ask("SHOW data_directory", bound) };
  } catch (error) {
    if (error instanceof BackupError && error.kind === "denied") return {};
    throw error;
  }
}

/** Refuses before anything is begun what the role may not do, with the statement that allows it. */
export function refuseUngranted(server: PostgresServer, mode: PostgresHookConfig["mode"]): void {
  const { role, version } = server;
  if (mode === "checkpoint" ? server.mayCheckpoint : server.mayBackUp) return;
  const functions = functionsOf(version).map((name) => name.replace(",", ", "));
  const checkpointer =
    version >= 150_000
      ? `GRANT pg_checkpoint TO ${role};`
      : "before version 15 only a superuser may: set role or user";
  throw new BackupError({
    kind: "denied",
    doing: mode === "checkpoint" ? "make a checkpoint" : "begin a backup",
    found: `the role ${role} may not`,
    remedy:
      mode === "checkpoint" ? checkpointer : `GRANT EXECUTE ON FUNCTION ${functions.join(", ")} TO ${role};`,
  });
}
