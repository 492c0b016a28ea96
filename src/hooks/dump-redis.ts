import type { DumpHost, DumpStream, RedisDumpConfig } from "../core/dump-config.ts";
import { passwordIn } from "../host/private-file.ts";
import type { Reason } from "./dump-failure.ts";
import { streamOf } from "./dump-names.ts";
import { prepareProgram, sourceOf } from "./dump-program.ts";

const reasons: readonly Reason[] = [
  {
    said: /NOPERM/,
    kind: "denied",
    remedy: "the user must be allowed what replicas do: ACL SETUSER USER +psync +sync +replconf +ping",
  },
  {
    said: /NOAUTH|WRONGPASS|AUTH failed|invalid (?:password|username)/i,
    kind: "denied",
    remedy: "name the server's password by passwordFile, and its user if it has users",
  },
  { said: /LOADING/, kind: "unreachable", remedy: "the server is still loading its data: run the job later" },
  {
    said: /Could not connect|Connection refused|Connection reset/,
    kind: "unreachable",
    remedy: "is the server running? The dump can name its socket, or its host and port",
  },
];

/** The one stream of Redis: what the server sends to a replica. */
export async function redisStreams(
  config: RedisDumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly DumpStream[]> {
  const { passwordFile, socket, host: server, port, user } = config;
  const password =
    passwordFile === undefined ? host.env["REDISCLI_AUTH"] : await passwordIn(passwordFile, host.uid);
  const wish = {
    programs: ["redis-cli", "valkey-cli"],
    args: [
      ...(socket === undefined ? [] : ["-s", socket]),
      ...(server === undefined ? [] : ["-h", server]),
      ...(port === undefined ? [] : ["-p", String(port)]),
      ...(user === undefined ? [] : ["--user", user]),
      "--no-auth-warning",
      "--rdb",
      "-",
    ],
    env: { REDISCLI_AUTH: password, VALKEYCLI_AUTH: password },
    secrets: [password],
    package: "redis-tools",
    reasons,
  };
  const source = sourceOf(
    await prepareProgram(wish, config, host, signal),
    `${config.name}.rdb`,
    config,
    host,
  );
  return [streamOf(config, undefined, { kind: "redis", format: "rdb" }, source)];
}
