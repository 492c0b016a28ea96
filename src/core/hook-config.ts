/** Whether a hook's failure ends the run before the capture. */
type OnFailure = "abort" | "continue";

/** Words of a program, or one line for a shell. */
export type CommandLine = readonly string[] | string;

/** Programs of the user around the capture. Durations are in milliseconds. */
export interface CommandHookConfig {
  readonly kind: "command";
  readonly name: string;
  readonly before?: CommandLine;
  /** Runs whenever `before` succeeded, whatever happened since. */
  readonly after?: CommandLine;
  /** The user that both run as; absent = the agent's. */
  readonly user?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly onFailure: OnFailure;
  /** A file to which their output is appended as well. */
  readonly log?: string;
}

/** MariaDB or MySQL. */
export interface MysqlHookConfig {
  readonly kind: "mysql";
  readonly name: string;
  /** An option file in the server's format; absent = those that its clients read. */
  readonly optionFile?: string;
  readonly socket?: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** How long the lock may be waited for, and how long a running statement may be to wait for it at all. */
  readonly lockWait: number;
  /** The server ends the lock by itself after this. */
  readonly deadline: number;
  /** `auto` takes the mildest that the server has. */
  readonly lock: "auto" | "backup" | "global";
  readonly onFailure: OnFailure;
}

/** PostgreSQL. */
export interface PostgresHookConfig {
  readonly kind: "postgres";
  readonly name: string;
  /** A host name, or the directory of the server's socket. */
  readonly host?: string;
  readonly port?: number;
  /** The role; absent = libpq's default for the user that connects. */
  readonly role?: string;
  readonly database: string;
  /** The system's user that connects, since peer authentication goes by it. */
  readonly user?: string;
  /** `checkpoint` suffices for one atomic set; `backup` brackets the capture by pg_backup_start and _stop. */
  readonly mode: "checkpoint" | "backup";
  readonly timeout: number;
  readonly deadline: number;
  readonly onFailure: OnFailure;
}

export interface RedisHookConfig {
  readonly kind: "redis";
  readonly name: string;
  readonly socket?: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** A file that holds the password alone. */
  readonly passwordFile?: string;
  /** `rdb`: BGSAVE and wait; `aof`: rewrite and wait until it is synced; `auto`: by what the server has on. */
  readonly mode: "auto" | "rdb" | "aof";
  readonly timeout: number;
  readonly onFailure: OnFailure;
}

export interface MongodbHookConfig {
  readonly kind: "mongodb";
  readonly name: string;
  /** A connection string without a password, such as mongodb://127.0.0.1:27017. */
  readonly uri: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly timeout: number;
  readonly deadline: number;
  readonly onFailure: OnFailure;
}

export interface FreezeHookConfig {
  readonly kind: "freeze";
  readonly name: string;
  /** `data` = every eligible mount. */
  readonly mounts: "data" | readonly string[];
  /** After this the guard thaws, whatever happened. */
  readonly deadline: number;
  readonly onFailure: OnFailure;
}

export type HookConfig =
  | CommandHookConfig
  | MysqlHookConfig
  | PostgresHookConfig
  | RedisHookConfig
  | MongodbHookConfig
  | FreezeHookConfig;
