import type { DumpHost, DumpStream, PostgresDumpConfig } from "../core/dump-config.ts";
import { BackupError } from "../core/errors.ts";
import type { Reason } from "./dump-failure.ts";
import { fileOf, plain, streamOf } from "./dump-names.ts";
import { type DumpWords, prepareProgram, printedBy, sourceOf } from "./dump-program.ts";

/** Milliseconds for the server to tell its databases. */
const patience = 60_000;
const ofGlobals = "globals";

const reasons: readonly Reason[] = [
  { said: /database ".*" does not exist/, kind: "not-found", remedy: "correct the name, or leave it out" },
  {
    said: /server version mismatch/,
    kind: "configuration",
    remedy: "name by programs the directory of a pg_dump that is as new as the server",
  },
  {
    said: /permission denied for (?:table|catalog|relation) pg_authid/,
    kind: "denied",
    remedy: "only a superuser may read the roles' passwords: name such a role, or say globals: false",
  },
  {
    said: /permission denied|authentication failed|no pg_hba.conf entry|no password supplied|role ".*" does not exist/,
    kind: "denied",
    remedy:
      "peer authentication needs user to be the role's name, else a passFile; GRANT pg_read_all_data TO the role lets it read all",
  },
  {
    said: /could not connect|connection to server .* failed/,
    kind: "unreachable",
    remedy: "is the server running? The dump can name its host, or the directory of its socket, and its port",
  },
];

/** The streams of PostgreSQL: what all databases share, then one for each database. */
export async function postgresStreams(
  config: PostgresDumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly DumpStream[]> {
  const { databases = "all", globals = true, options = [] } = config;
  const streams: DumpStream[] = [];
  if (globals) {
    const args = ["--globals-only", "--no-password", `--database=${databaseOf(config)}`];
    const program = await prepareProgram(words(config, host, "pg_dumpall", args), config, host, signal);
    const source = sourceOf(program, "globals.sql", config, host);
    streams.push(streamOf(config, ofGlobals, { kind: "postgres", format: "globals" }, source));
  }
  const names = databases === "all" ? await listed(config, host, signal) : databases;
  for (const database of names) {
    // Uncompressed, since the repository compresses, and finds only so what has not changed.
    const args = ["--format=custom", "--compress=0", "--no-password", ...options];
    const wish = words(config, host, "pg_dump", args, database);
    const program = await prepareProgram(wish, config, host, signal);
    const source = sourceOf(program, fileOf(database, "dump"), config, host);
    // A database that is called so must not be taken for what all of them share.
    const part = database === ofGlobals ? "%67lobals" : plain(database);
    streams.push(streamOf(config, part, { kind: "postgres", format: "custom", database }, source));
  }
  return streams;
}

function databaseOf({ database = "postgres" }: PostgresDumpConfig): string {
  return database;
}

/**
 * All that names the server goes by the environment, where no database name can be taken for a connection string, and no
 * password can be in the arguments.
 */
function words(
  config: PostgresDumpConfig,
  { env }: DumpHost,
  program: string,
  args: readonly string[],
  database?: string,
): DumpWords {
  const own = Object.entries(env).filter(([name]) => name.startsWith("PG"));
  const named = {
    PGHOST: config.host,
    PGPORT: config.port?.toString(),
    PGUSER: config.role,
    PGPASSFILE: config.passFile,
    PGDATABASE: database,
  };
  return {
    programs: [program],
    args,
    package: "postgresql-client",
    reasons,
    secrets: [env["PGPASSWORD"]],
    env: {
      ...Object.fromEntries(own),
      ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
      PGAPPNAME: "ec2-backup",
      PGCONNECT_TIMEOUT: "30",
      LC_MESSAGES: "C",
    },
  };
}

async function listed(
  config: PostgresDumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const query =
    "SELECT encode(convert_to(datname::text, 'UTF8'), 'hex') FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname";
  const args = ["-X", "-A", "-t", "-q", "-w", "-c", query];
  const doing = `list the databases for the dump ${config.name}`;
  const wish = words(config, host, "psql", args, databaseOf(config));
  const program = await prepareProgram(wish, config, host, signal);
  const text = await printedBy(program, host, { doing, ms: patience, signal });
  const lines = text.split("\n").filter((line) => line !== "");
  if (lines.some((line) => !/^(?:[0-9a-f]{2})+$/.test(line)))
    throw new BackupError({ kind: "unexpected", doing, found: "an answer of another form" });
  const names = lines.map((line) => Buffer.from(line, "hex").toString("utf8"));
  const wished = names.filter((name) => !(config.exclude ?? []).includes(name));
  if (wished.length > 0) return wished;
  throw new BackupError({
    kind: "not-found",
    doing,
    found: `only ${names.join(", ")}`,
    remedy: "correct exclude",
  });
}
