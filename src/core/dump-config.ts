import type { StreamSource } from "./store-ports.ts";

/**
 * One dump of a job. It is made of streams, and each stream is one snapshot in a series of its own: `dump/<name>`
 * where the dump is one stream, `dump/<name>/<part>` where it has several, such as one for each database. So a
 * database that fails keeps the others from nothing, and retention never weighs one database against another.
 * Streams of one dump are made one after the other, so they are of different instants. Durations are in milliseconds.
 */
interface DumpCommon {
  readonly name: string;
  /** The name of the repository that it goes to. */
  readonly repository: string;
  /** When it is due; absent = in every run of its job. */
  readonly schedule?: string;
  /** The user's own. */
  readonly tags?: readonly string[];
  /** Where its programs lie; absent = the system's directories. */
  readonly programs?: string;
  /** A directory of ours into which each stream is written first; absent = straight into the repository. */
  readonly spool?: string;
  /** The longest that one stream may take. */
  readonly timeout?: number;
  /** For how long its programs may neither read nor write nor compute. */
  readonly idleTimeout?: number;
}

/** What a dump takes where the file says nothing. */
export const dumpDefaults = { timeout: 12 * 3_600_000, idleTimeout: 10 * 60_000 } as const;

/** MariaDB or MySQL, by mariadb-dump or mysqldump. */
export interface MysqlDumpConfig extends DumpCommon {
  readonly kind: "mysql";
  /** Absent or `all` = all that the login sees, but the server's views of itself. */
  readonly databases?: "all" | readonly string[];
  /** Databases that `all` leaves out. */
  readonly exclude?: readonly string[];
  /** One stream, and one transaction, for all of them. */
  readonly together?: boolean;
  /** `transaction` is consistent for InnoDB alone; `tables` locks the tables of each database, for the other engines. */
  readonly lock?: "transaction" | "tables";
  /** An option file in the server's format with the login; absent = those that its clients read. */
  readonly optionFile?: string;
  readonly socket?: string;
  readonly host?: string;
  readonly port?: number;
  /** The user of the server. */
  readonly user?: string;
  /** The system's user that its programs run as; absent = the agent's. */
  readonly runAs?: string;
  /** Further words for the dump program. */
  readonly options?: readonly string[];
}

/** PostgreSQL, by pg_dump and pg_dumpall. */
export interface PostgresDumpConfig extends DumpCommon {
  readonly kind: "postgres";
  /** Absent or `all` = all that may be connected to and are no templates. */
  readonly databases?: "all" | readonly string[];
  readonly exclude?: readonly string[];
  /** Roles and tablespaces as well, in a stream `globals`; absent = true. */
  readonly globals?: boolean;
  /** A host name, or the directory of the server's socket. */
  readonly host?: string;
  readonly port?: number;
  readonly role?: string;
  /** The system's user that connects; absent = postgres where the agent is root and no role is named. */
  readonly user?: string;
  /** The database that is asked for the others; absent = postgres. */
  readonly database?: string;
  /** In libpq's format. */
  readonly passFile?: string;
  readonly options?: readonly string[];
}

/** MongoDB, by mongodump or mongoexport. */
export interface MongodbDumpConfig extends DumpCommon {
  readonly kind: "mongodb";
  /** Without user and password. */
  readonly uri?: string;
  /** The user of the server. */
  readonly user?: string;
  /** The system's user that its programs run as; absent = the agent's. */
  readonly runAs?: string;
  readonly passwordFile?: string;
  /** Absent = all of the server, as one archive. */
  readonly database?: string;
  /** One stream each; absent = the whole database. */
  readonly collections?: readonly string[];
  /** `json`: a document in each line, by mongoexport; absent = `archive`. */
  readonly format?: "archive" | "json";
  readonly options?: readonly string[];
}

/** Redis or Valkey, by what the server sends to a replica. */
export interface RedisDumpConfig extends DumpCommon {
  readonly kind: "redis";
  readonly socket?: string;
  readonly host?: string;
  readonly port?: number;
  /** The user of the server. */
  readonly user?: string;
  /** The system's user that its programs run as; absent = the agent's. */
  readonly runAs?: string;
  /** A file that holds the password alone. */
  readonly passwordFile?: string;
}

/** Any program; what it prints is the dump, and 0 says that it is whole. */
export interface CommandDumpConfig extends DumpCommon {
  readonly kind: "command";
  readonly run: readonly string[];
  /** The system's user that it runs as; absent = the agent's. */
  readonly user?: string;
  /** What the dump is called in the repository; absent = the dump's name. */
  readonly file?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export type DumpConfig =
  | MysqlDumpConfig
  | PostgresDumpConfig
  | MongodbDumpConfig
  | RedisDumpConfig
  | CommandDumpConfig;

/** What a stream holds; kept as tags with its snapshot, and what tells how it is loaded again. */
export interface DumpContent {
  readonly kind: DumpConfig["kind"];
  /** `sql`, `custom` (of pg_dump), `archive` (of mongodump), `json`, `rdb`, or `bytes` of a program. */
  readonly format: "sql" | "custom" | "globals" | "archive" | "json" | "rdb" | "bytes";
  /** The database as its server calls it; absent = all of the server, or none. */
  readonly database?: string;
  readonly collection?: string;
}

/** One stream of a dump. */
export interface DumpStream {
  /** What follows `<arn>/<job>/dump/`: the dump's name, or `<name>/<part>` with letters, digits and `._-%` alone. */
  readonly series: string;
  /**
   * What makes it. `done` rejects unless every program of it ended with 0 and left nothing running that might still
   * write. A stream that saved no bytes is no dump, whatever its program said: whoever saves it looks.
   */
  readonly source: StreamSource;
  readonly content: DumpContent;
  /** The same as words of tags without prefix: `kind`, `format`, `database`, `collection`. */
  readonly tags: Readonly<Record<string, string>>;
}

/** What dumps need of the agent's process; `DumpSources` finds the streams of one. */
export interface DumpHost {
  /** The agent's user; absent on Windows, where only what needs no process groups works. */
  readonly uid: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** `process.kill`. */
  readonly kill: (pid: number, signal: NodeJS.Signals | 0) => void;
  /** Milliseconds between SIGTERM and SIGKILL; default 5 s. */
  readonly grace?: number;
}
