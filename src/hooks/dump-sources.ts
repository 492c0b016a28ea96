import type { DumpConfig, DumpHost, DumpStream } from "../core/dump-config.ts";

/** See {@link DumpSources}. */
export async function dumpSources(
  config: DumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly DumpStream[]> {
  switch (config.kind) {
    case "mysql":
      return (await import("./dump-mysql.ts")).mysqlStreams(config, host, signal);
    case "postgres":
      return (await import("./dump-postgres.ts")).postgresStreams(config, host, signal);
    case "mongodb":
      return (await import("./dump-mongodb.ts")).mongodbStreams(config, host, signal);
    case "redis":
      return (await import("./dump-redis.ts")).redisStreams(config, host, signal);
    case "command":
      return (await import("./dump-command.ts")).commandStreams(config, host, signal);
  }
}
