import { BackupError, type ErrorKind } from "../core/errors.ts";
import type { RedisHookConfig } from "../core/hook-config.ts";
import { passwordIn } from "../host/private-file.ts";
import { type Bound, bounded, withoutSecrets } from "./bounded.ts";

/** What the host says of the agent's process. */
export interface RedisHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absent on Windows. */
  readonly uid: number | undefined;
}

/** One connection, never made anew. */
export interface RedisSession {
  /** Sends one command and gives the answer as text. Fails with a {@link BackupError}. */
  ask(words: readonly string[], bound: Bound): Promise<string>;
  /** Whether the connection is known to be gone. */
  isLost(): boolean;
  /** Cuts the connection. Never throws. */
  cut(): void;
}

/** Where the server is, for people. */
export function placeOf({ socket, host, port }: RedisHookConfig): string {
  return socket ?? `${host ?? "127.0.0.1"}:${port ?? 6379}`;
}

/** Connects within the bound. Fails with `unreachable`, `denied` or `configuration`. */
export async function openRedis(
  config: RedisHookConfig,
  host: RedisHost,
  bound: Bound,
): Promise<RedisSession> {
  const { env, uid } = host;
  const password =
    config.passwordFile === undefined ? env["REDISCLI_AUTH"] : await passwordIn(config.passwordFile, uid);
  const { createClient } = await import("@redis/client");
  const address =
    config.socket === undefined
      ? { host: config.host ?? "127.0.0.1", port: config.port ?? 6379 }
      : { path: config.socket };
  const client = createClient({
    // RESP 2 and no introduction, since that every server understands; one connection, or none.
    RESP: 2,
    disableClientInfo: true,
    maintNotifications: "disabled",
    disableOfflineQueue: true,
    socket: { ...address, connectTimeout: bound.ms, reconnectStrategy: false },
    ...(config.user === undefined ? {} : { username: config.user }),
    ...(password === undefined || password === "" ? {} : { password }),
  });
  let isGone = false;
  client.on("error", () => {
    isGone = true;
  });
  const cut = (): void => {
    isGone = true;
    if (client.isOpen) client.destroy();
  };
  try {
    await bounded(client.connect(), bound);
  } catch (error) {
    cut();
    throw failure(error, bound.doing, password, config);
  }
  return {
    cut,
    isLost: () => isGone || !client.isReady,
    ask: async (words, limit) => {
      try {
        return String(await bounded(client.sendCommand([...words]), limit));
      } catch (error) {
        if (error instanceof BackupError) cut();
        throw failure(error, limit.doing, password, config);
      }
    },
  };
}

function failure(
  error: unknown,
  doing: string,
  password: string | undefined,
  config: RedisHookConfig,
): BackupError {
  if (error instanceof BackupError) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  const found = withoutSecrets(message, [password]);
  const [kind, remedy] = kindOf(found, code, config);
  return new BackupError({
    kind,
    doing,
    found,
    ...(remedy === undefined ? {} : { remedy }),
    ...(code === undefined ? {} : { code }),
  });
}

function kindOf(found: string, code: string | undefined, config: RedisHookConfig): [ErrorKind, string?] {
  const user = config.user ?? "default";
  if (/^NOPERM/.test(found)) return ["denied", `ACL SETUSER ${user} ${grants}`];
  if (/^(NOAUTH|WRONGPASS)|invalid password|invalid username|without any password/i.test(found))
    return ["denied", "name the server's password by passwordFile, and its user if it has users"];
  if (code === "EACCES") return ["denied", "the agent's user must be allowed to use the socket"];
  if (/^LOADING/.test(found))
    return ["unreachable", "the server is still loading its data: run the job later"];
  if (/^[A-Z]+ /.test(found) && code === undefined) return ["refused"];
  return ["unreachable", `is the server running, and does it listen at ${placeOf(config)}?`];
}

/** What the user must be allowed, as ACL SETUSER takes it. */
const grants = "+info +lastsave +time +bgsave +bgrewriteaof";
