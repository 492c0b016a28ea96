import type { Connection, ConnectionOptions } from "mysql2";
import { BackupError, type ErrorKind, failureOf } from "../core/errors.ts";
import { type Address, type Socket, socketTo } from "../host/socket.ts";
import { type Bound, bounded, withoutSecrets } from "./bounded.ts";
import type { MysqlTarget } from "./mysql-options.ts";

/** A row as the server names its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** One connection, never made anew: what a lock hangs on. */
export interface MysqlSession {
  /** The server's id of the connection, as in its list of processes. */
  readonly id: number;
  /** Runs one statement. Fails with a {@link BackupError}; when its time is up the connection is cut. */
  ask(sql: string, bound: Bound): Promise<readonly Row[]>;
  /** Why the connection is gone, if it is known to be. */
  lost(): string | undefined;
  /** Cuts the connection: the server ends what it holds. */
  cut(): void;
  /** Says goodbye if the server still listens, and cuts. Never throws. */
  close(): Promise<void>;
}

/** Where a target is, for people. */
export function placeOf(target: MysqlTarget): string {
  return target.socketPath ?? `${target.host}:${target.port}`;
}

/** Connects within the bound. Fails with `unreachable` or `denied`; the password is in no failure. */
export async function openSession(target: MysqlTarget, bound: Bound): Promise<MysqlSession> {
  const { createConnection } = await import("mysql2");
  const address: Address =
    target.socketPath === undefined
      ? { host: target.host ?? "127.0.0.1", port: target.port ?? 3306 }
      : { socketPath: target.socketPath };
  // Our own socket, since the driver's destroy() only half-closes and would wait for a server that hangs.
  const socket = socketTo(address);
  const connection = createConnection(optionsOf(target, socket));
  const session = sessionOn(connection, socket, target);
  try {
    await bounded(session.connected, bound);
    return session;
  } catch (error) {
    session.cut();
    throw error instanceof BackupError ? error : connectFailure(error, target, bound.doing);
  }
}

function optionsOf(target: MysqlTarget, socket: Socket): ConnectionOptions {
  // The plugins of root's login over the socket: the server asks the kernel who is there, we say nothing.
  const silent = () => () => Buffer.alloc(0);
  return {
    ...target,
    ...(target.ssl === undefined ? {} : { ssl: { ...target.ssl } }),
    stream: () => socket,
    authPlugins: { unix_socket: silent, auth_socket: silent },
    supportBigNumbers: true,
    dateStrings: true,
    disableEval: true,
    connectTimeout: 0,
  };
}

function sessionOn(
  connection: Connection,
  socket: Socket,
  target: MysqlTarget,
): MysqlSession & { readonly connected: Promise<void> } {
  let gone: string | undefined;
  let fail: (error: Error) => void = () => undefined;
  const lose = (why: string, error?: Error): void => {
    gone ??= withoutSecrets(why, [target.password]);
    fail(error ?? new Error(why));
  };
  const connected = new Promise<void>((resolve, reject) => {
    fail = reject;
    connection.once("connect", () => resolve());
  });
  connected.catch(() => undefined);
  connection.on("error", (error: Error) => lose(error.message, error));
  socket.on("error", (error) => lose(error.message, error));
  socket.on("close", () => lose("the server closed the connection"));
  const cut = (): void => {
    gone ??= "we cut the connection";
    connection.destroy();
    socket.destroy();
  };
  return {
    connected,
    get id() {
      return connection.threadId;
    },
    lost: () => gone,
    cut,
    ask: async (sql, bound) => {
      try {
        return await bounded(rowsOf(connection, sql), bound);
      } catch (error) {
        if (error instanceof BackupError) cut();
        throw error instanceof BackupError ? error : statementFailure(error, target, bound.doing);
      }
    },
    close: async () => {
      if (gone === undefined) {
        const bye = new Promise<void>((resolve) => connection.end(() => resolve()));
        await bounded(bye, { ms: 1000, doing: "say goodbye" }).catch(() => undefined);
      }
      cut();
    },
  };
}

function rowsOf(connection: Connection, sql: string): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error: Error | null, rows: unknown) => {
      if (error !== null) reject(error);
      else resolve(Array.isArray(rows) ? (rows as Row[]) : []);
    });
  });
}

interface ServerError {
  readonly errno?: number;
  readonly code?: string;
  readonly message?: string;
}

/** Wrong password (1045, 1698), host (1130), account locked (3118, 4151), plugin not ours: no entry. */
const noEntry = [1044, 1045, 1130, 1156, 1251, 1524, 1698, 3118, 3878, 4151];

function connectFailure(error: unknown, target: MysqlTarget, doing: string): BackupError {
  const { errno, code, message } = error as ServerError;
  const found = withoutSecrets(message ?? String(error), [target.password]);
  const isDenied = (errno !== undefined && noEntry.includes(errno)) || code === "EACCES";
  const remedy = isDenied
    ? "check user and password in the option file; root over the socket needs the plugin unix_socket (MariaDB) or auth_socket (MySQL)"
    : `is the server running, and does it listen at ${placeOf(target)}? The job or the option file can name another socket or host`;
  const kind: ErrorKind = isDenied ? "denied" : "unreachable";
  return new BackupError({ kind, doing, found, remedy, ...(code === undefined ? {} : { code }) });
}

/** 1227, 1142, 1044: a privilege is missing. 1205, 3024, 1969: a wait or a statement took too long. */
function statementFailure(error: unknown, target: MysqlTarget, doing: string): BackupError {
  const { errno, code, message } = error as ServerError;
  if (errno === undefined && code === undefined) return new BackupError(failureOf(error, doing));
  const found = withoutSecrets(message ?? String(error), [target.password]);
  let kind: ErrorKind = "unexpected";
  if (errno !== undefined && [1227, 1142, 1044].includes(errno)) kind = "denied";
  else if (errno !== undefined && [1205, 3024, 1969].includes(errno)) kind = "refused";
  else if (errno === undefined || code?.startsWith("PROTOCOL_") || code?.startsWith("ECONN"))
    kind = "unreachable";
  return new BackupError({ kind, doing, found, ...(code === undefined ? {} : { code }) });
}
