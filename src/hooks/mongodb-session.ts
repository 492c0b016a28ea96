import type { Document } from "mongodb";
import { BackupError, type ErrorKind } from "../core/errors.ts";
import { passwordIn } from "../host/private-file.ts";
import { type Bound, bounded, withoutSecrets } from "./bounded.ts";

/** Which server, and as whom; without a secret, so that it may be written down. */
export interface MongodbTarget {
  readonly uri: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

/** One client of the driver with one connection for commands. */
export interface MongodbSession {
  /** Runs a command on a database, by default `admin`. Fails with a {@link BackupError} whose `code` is the server's number, if it answered. */
  command(command: Document, bound: Bound, database?: string): Promise<Document>;
  /** Never throws. */
  close(): Promise<void>;
}

/** Connects within the bound. Fails with `unreachable`, `denied` or `configuration`. */
export async function openMongodb(
  target: MongodbTarget,
  uid: number | undefined,
  bound: Bound,
): Promise<MongodbSession> {
  const password = target.passwordFile === undefined ? undefined : await passwordIn(target.passwordFile, uid);
  refuseSecretIn(target.uri);
  const { MongoClient } = await import("mongodb");
  const make = (): InstanceType<typeof MongoClient> =>
    new MongoClient(target.uri, {
      appName: "ec2-backup",
      maxPoolSize: 1,
      retryReads: false,
      retryWrites: false,
      serverMonitoringMode: "poll",
      serverSelectionTimeoutMS: bound.ms,
      connectTimeoutMS: bound.ms,
      ...directTo(target.uri),
      ...(target.user === undefined
        ? {}
        : { auth: { username: target.user, ...(password === undefined ? {} : { password }) } }),
    });
  const failed = (error: unknown, doing: string): BackupError => failure(error, doing, password, target);
  let client: InstanceType<typeof MongoClient>;
  try {
    client = make();
  } catch (error) {
    const found = withoutSecrets(String((error as Error).message), [password]);
    throw new BackupError({ kind: "configuration", doing: bound.doing, found }, { cause: error });
  }
  const close = (): Promise<void> =>
    bounded(client.close(), { ms: 2000, doing: "close the connection" }).catch(() => undefined);
  client.on("error", () => undefined);
  try {
    await bounded(client.connect(), bound);
    await bounded(client.db("admin").command({ ping: 1 }), bound);
  } catch (error) {
    await close();
    throw failed(error, bound.doing);
  }
  return {
    close,
    command: async (command, limit, database = "admin") => {
      try {
        return await bounded(client.db(database).command(command), limit);
      } catch (error) {
        throw failed(error, limit.doing);
      }
    },
  };
}

function refuseSecretIn(uri: string): void {
  if (!/^[^/]+:\/\/[^/@]*:[^/@]*@/.test(uri)) return;
  throw new BackupError({
    kind: "configuration",
    doing: "connect to MongoDB",
    found: "a password in the connection string",
    remedy: "leave it out, and name user and passwordFile",
  });
}

/**
 * A single host means that very server: the driver would go from a secondary to its primary, and lock
 * another machine.
 */
function directTo(uri: string): { directConnection?: true } {
  const isPlain = uri.startsWith("mongodb://") && !/(directConnection|replicaSet|loadBalanced)=/i.test(uri);
  const hosts = uri.replace(/^mongodb:\/\/([^@/]*@)?/, "").split(/[/?]/)[0] ?? "";
  return isPlain && !hosts.includes(",") ? { directConnection: true } : {};
}

/** 13, 18: no entry, or a role is missing. */
const noEntry = [13, 18];

function failure(
  error: unknown,
  doing: string,
  password: string | undefined,
  target: MongodbTarget,
): BackupError {
  if (error instanceof BackupError) return error;
  const { message, code, name } = error as Error & { code?: number | string };
  const found = withoutSecrets(message, [password]);
  const isAnswer = typeof code === "number";
  const isDenied = isAnswer && noEntry.includes(code);
  let kind: ErrorKind = isAnswer ? "refused" : "unreachable";
  if (isDenied) kind = "denied";
  else if (!isAnswer && !name.startsWith("Mongo")) kind = "unexpected";
  const denied =
    code === 13
      ? `db.getSiblingDB("admin").grantRolesToUser(${JSON.stringify(target.user ?? "USER")}, ["hostManager"])`
      : "check user and passwordFile, and authSource in the connection string";
  const remedy = isDenied
    ? denied
    : kind === "unreachable"
      ? "is the server running, and is the uri right?"
      : undefined;
  return new BackupError({
    kind,
    doing,
    found,
    ...(remedy === undefined ? {} : { remedy }),
    ...(isAnswer ? { code: String(code) } : {}),
  });
}
