import { formatDuration } from "../core/duration.ts";
import { BackupError } from "../core/errors.ts";
import type { MysqlHookConfig } from "../core/hook-config.ts";
import type { Bound } from "./bounded.ts";
import {
  isSince,
  lockFor,
  type MysqlLock,
  type MysqlServer,
  missingPrivileges,
  serverOf,
} from "./mysql-lock.ts";
import type { MysqlSession, Row } from "./mysql-session.ts";

/** What the hook will do with this server. */
export interface MysqlPlan {
  readonly server: MysqlServer;
  readonly lock: MysqlLock;
  /** Where its data lie, as the server sees it. */
  readonly directory: string;
  /** Some tables that no log recovers and the lock does not cover; empty if there are none. */
  readonly uncovered: readonly string[];
}

/** Which server it is, what may be done there, and by which lock. Holds nothing. */
export async function planOf(
  session: MysqlSession,
  config: MysqlHookConfig,
  bound: (doing: string) => Bound,
): Promise<MysqlPlan> {
  const [about] = await session.ask(
    "SELECT VERSION() AS version, @@version_comment AS comment, CURRENT_USER() AS user, @@datadir AS directory",
    bound("ask the server for its version"),
  );
  const server = serverOf(textOf(about, "version"), textOf(about, "comment"));
  const grants = await session.ask("SHOW GRANTS", bound("read what the user may do"));
  const given = grants.map((row) => String(Object.values(row)[0]));
  const needsLook = config.lock !== "global" && !(server.brand === "MariaDB" && isSince(server, 10, 4));
  const user = textOf(about, "user");
  if (needsLook && !seesTables(given)) throw notGranted(["SHOW VIEW (to see all tables)"], server, user);
  const others = needsLook ? await otherTables(session, bound("list the tables that no log recovers")) : [];
  const lock = lockFor(server, config.lock, others.length > 0);
  const missing = missingPrivileges(given, [lock.privilege, "PROCESS"]);
  if (missing.length > 0) throw notGranted(missing, server, user);
  const directory = textOf(about, "directory");
  return { server, lock, directory, uncovered: lock.coversAllTables ? [] : others };
}

function notGranted(missing: readonly string[], server: MysqlServer, user: string): BackupError {
  const [name = "", host = "%"] = user.split(/@(?=[^@]*$)/);
  const watch = server.brand === "MariaDB" && isSince(server, 10, 5, 2);
  const all =
    server.brand === "MariaDB"
      ? ["RELOAD", "PROCESS", ...(watch ? ["BINLOG MONITOR", "SLAVE MONITOR"] : ["REPLICATION CLIENT"])]
      : [
          "RELOAD",
          "PROCESS",
          "REPLICATION CLIENT",
          "SHOW VIEW",
          ...(isSince(server, 8, 0) ? ["BACKUP_ADMIN"] : []),
        ];
  return new BackupError({
    kind: "denied",
    doing: "prepare the lock",
    found: `the user ${user} lacks ${missing.join(" and ")}`,
    remedy: `GRANT ${all.join(", ")} ON *.* TO ${quoted(name)}@${quoted(host)};`,
  });
}

function quoted(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

const someTables = 5;
/** MEMORY tables are on no disk, and the others of these keep nothing of their own there. */
const withoutData =
  "'MEMORY','BLACKHOLE','PERFORMANCE_SCHEMA','FEDERATED','SPIDER','SEQUENCE','MRG_MyISAM','MRG_MYISAM','ndbcluster'";

/** Any of these on *.* lets the information schema show every table. */
const sights = ["SELECT", "SHOW VIEW", "TRIGGER", "INSERT"];

function seesTables(grants: readonly string[]): boolean {
  return missingPrivileges(grants, sights).length < sights.length;
}

/** Tables of users whose engine has no log to recover from. MariaDB's stages cover them, so only others are asked. */
async function otherTables(session: MysqlSession, bound: Bound): Promise<readonly string[]> {
  const rows = await session.ask(
    "SELECT CONCAT(table_schema, '.', table_name, ' (', engine, ')') AS name FROM information_schema.tables" +
      " WHERE table_type = 'BASE TABLE' AND engine IS NOT NULL" +
      " AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')" +
      ` AND engine NOT IN (${withoutData})` +
      " AND engine NOT IN (SELECT engine FROM information_schema.engines WHERE transactions = 'YES')" +
      ` LIMIT ${someTables}`,
    bound,
  );
  return rows.map((row) => textOf(row, "name"));
}

/**
 * Refuses to queue behind a statement that has run for longer than the lock may be waited for: all writes
 * would queue behind us. The statement's text stays where it is, since it may hold data.
 */
export async function refuseLongStatements(
  session: MysqlSession,
  lock: MysqlLock,
  lockWait: number,
  bound: Bound,
): Promise<void> {
  const writes = lock.waitsForReads ? "" : " AND info NOT REGEXP '^[[:space:](]*[Ss][Ee][Ll][Ee][Cc][Tt]'";
  const [longest] = await session.ask(
    "SELECT id, user, time FROM information_schema.processlist WHERE command IN ('Query', 'Execute')" +
      ` AND id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler')` +
      ` AND time * 1000 > ${Math.round(lockWait)}${writes} ORDER BY time DESC LIMIT 1`,
    bound,
  );
  if (longest === undefined) return;
  const [id, user, time] = ["id", "user", "time"].map((name) => textOf(longest, name));
  throw new BackupError({
    kind: "refused",
    doing: `take the lock ${lock.name}`,
    found: `statement ${id} of user ${user} has been running for ${time} s, and lockWait is ${formatDuration(lockWait)}`,
    remedy: `run the job at another time, raise lockWait, or end the statement (KILL QUERY ${id})`,
  });
}

/** Where the binary log and the replication stand; exact only while commits are blocked. */
export async function positionsOf(
  session: MysqlSession,
  { server, lock }: MysqlPlan,
  bound: (doing: string) => Bound,
): Promise<Record<string, string>> {
  if (!lock.blocksCommits) return { binlog: "unknown, commits were not blocked" };
  return {
    ...(await orUnknown("binlog", () => binlogOf(session, server, bound("read the binlog's position")))),
    ...(await orUnknown("replica", () => replicaOf(session, server, bound("read the replica's position")))),
  };
}

/** A position is a help for later; that it may not be read is no reason to have no backup. */
async function orUnknown(
  name: string,
  read: () => Promise<Record<string, string>>,
): Promise<Record<string, string>> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof BackupError && error.kind === "denied") return { [name]: `unknown: ${error.found}` };
    throw error;
  }
}

async function binlogOf(
  session: MysqlSession,
  server: MysqlServer,
  bound: Bound,
): Promise<Record<string, string>> {
  const isNew = server.brand === "MySQL" && isSince(server, 8, 4);
  const [row] = await session.ask(isNew ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", bound);
  if (row === undefined) return { binlog: "off" };
  const gtid =
    server.brand === "MariaDB" ? await mariadbGtid(session, bound) : textOf(row, "Executed_Gtid_Set");
  return {
    binlog: `${textOf(row, "File")}:${textOf(row, "Position")}`,
    ...(gtid === "" ? {} : { gtid: gtid.replace(/\s+/g, "") }),
  };
}

async function mariadbGtid(session: MysqlSession, bound: Bound): Promise<string> {
  const [row] = await session.ask("SELECT @@gtid_binlog_pos AS gtid", bound);
  return textOf(row, "gtid");
}

async function replicaOf(
  session: MysqlSession,
  server: MysqlServer,
  bound: Bound,
): Promise<Record<string, string>> {
  const isNew = server.brand === "MySQL" && isSince(server, 8, 0, 22);
  const slaves = server.brand === "MariaDB" ? "SHOW ALL SLAVES STATUS" : "SHOW SLAVE STATUS";
  const rows = await session.ask(isNew ? "SHOW REPLICA STATUS" : slaves, bound);
  const sources = rows.map((row) => {
    const channel = textOf(row, "Connection_name") || textOf(row, "Channel_Name");
    const host = textOf(row, "Source_Host") || textOf(row, "Master_Host");
    const file = textOf(row, "Relay_Source_Log_File") || textOf(row, "Relay_Master_Log_File");
    const position = textOf(row, "Exec_Source_Log_Pos") || textOf(row, "Exec_Master_Log_Pos");
    return `${channel === "" ? "" : `${channel} `}of ${host} at ${file}:${position}`;
  });
  return sources.length === 0 ? {} : { replica: sources.join(", ") };
}

function textOf(row: Row | undefined, name: string): string {
  const value = row?.[name];
  return value === null || value === undefined ? "" : String(value);
}
