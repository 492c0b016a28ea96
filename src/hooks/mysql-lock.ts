import { BackupError } from "../core/errors.ts";
import type { MysqlHookConfig } from "../core/hook-config.ts";

/** What runs there, and since when it can do what. */
export interface MysqlServer {
  readonly brand: "MariaDB" | "MySQL";
  /** Major, minor, patch. */
  readonly version: readonly [number, number, number];
}

/** A lock as the statements that take and end it, and what it is good for. */
export interface MysqlLock {
  /** For the report: `BACKUP STAGE BLOCK_COMMIT`. */
  readonly name: string;
  readonly take: readonly string[];
  readonly end: readonly string[];
  /** While it is held nothing is committed, so the position in the binary log stands still. */
  readonly blocksCommits: boolean;
  /** While it is held no table changes that could not be recovered from a log. */
  readonly coversAllTables: boolean;
  /** Whether a long read hinders it: to close the tables it waits for whoever reads them. */
  readonly waitsForReads: boolean;
  /** What the user must be granted on *.* to take it. */
  readonly privilege: string;
}

const stages: MysqlLock = {
  name: "BACKUP STAGE BLOCK_COMMIT",
  take: ["BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"],
  end: ["BACKUP STAGE END"],
  blocksCommits: true,
  coversAllTables: true,
  waitsForReads: false,
  privilege: "RELOAD",
};

/** Blocks DDL only: InnoDB recovers from an atomic set, and commits go on. */
const instance: MysqlLock = {
  name: "LOCK INSTANCE FOR BACKUP",
  take: ["LOCK INSTANCE FOR BACKUP"],
  end: ["UNLOCK INSTANCE"],
  blocksCommits: false,
  coversAllTables: false,
  waitsForReads: false,
  privilege: "BACKUP_ADMIN",
};

const global: MysqlLock = {
  name: "FLUSH TABLES WITH READ LOCK",
  take: ["FLUSH TABLES WITH READ LOCK"],
  end: ["UNLOCK TABLES"],
  blocksCommits: true,
  coversAllTables: true,
  waitsForReads: true,
  privilege: "RELOAD",
};

/**
 * The mildest lock that suffices, or the one that was asked for. `hasOtherTables` tells whether there are
 * tables of users that no log recovers. Fails with `configuration` where a
 * backup lock is asked for that the server has not.
 */
export function lockFor(
  server: MysqlServer,
  wanted: MysqlHookConfig["lock"],
  hasOtherTables: boolean,
): MysqlLock {
  if (wanted === "global") return global;
  const backup = backupLockOf(server);
  if (backup === undefined) {
    if (wanted === "auto") return global;
    throw new BackupError({
      kind: "configuration",
      doing: "choose the lock",
      found: `${server.brand} ${server.version.join(".")} has no backup lock`,
      remedy: "set lock: global, or upgrade to MariaDB 10.4 or MySQL 8.0",
    });
  }
  return wanted === "auto" && hasOtherTables && !backup.coversAllTables ? global : backup;
}

function backupLockOf(server: MysqlServer): MysqlLock | undefined {
  if (server.brand === "MariaDB") return isSince(server, 10, 4) ? stages : undefined;
  return isSince(server, 8, 0) ? instance : undefined;
}

/** Whether the server is of this version or a later one. */
export function isSince({ version }: MysqlServer, major: number, minor: number, patch = 0): boolean {
  const wanted = [major, minor, patch];
  const at = wanted.findIndex((number, index) => version[index] !== number);
  return at < 0 || (version[at] ?? 0) > (wanted[at] ?? 0);
}

/** Reads what VERSION() and @@version_comment say. */
export function serverOf(version: string, comment: string): MysqlServer {
  // Old MariaDB servers put 5.5.5- before their version, for replicas of that time.
  const [, major, minor, patch] = /(\d+)\.(\d+)\.(\d+)/.exec(version.replace(/^5\.5\.5-(?=1\d\.)/, "")) ?? [];
  return {
    brand: /mariadb/i.test(`${version} ${comment}`) ? "MariaDB" : "MySQL",
    version: [Number(major ?? 0), Number(minor ?? 0), Number(patch ?? 0)],
  };
}

/**
 * Which of the privileges the lines of SHOW GRANTS do not give on *.*. Nothing is said where roles are
 * granted: what they give is not in the lines.
 */
export function missingPrivileges(grants: readonly string[], wanted: readonly string[]): string[] {
  const isRole = (line: string): boolean => !/\bON\b/i.test(line);
  if (grants.some(isRole)) return [];
  const given = grants.flatMap((line) => {
    const match = /^GRANT (.+?) ON \*\.\* TO /i.exec(line);
    return (match?.[1] ?? "").split(",").map((one) => one.trim().toUpperCase());
  });
  if (given.includes("ALL PRIVILEGES")) return [];
  return wanted.filter((privilege) => !given.includes(privilege));
}
