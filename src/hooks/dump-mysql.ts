import type { DumpHost, DumpStream, MysqlDumpConfig } from "../core/dump-config.ts";
import { BackupError } from "../core/errors.ts";
import { openedFile, refuseExposed } from "../host/private-file.ts";
import type { Reason } from "./dump-failure.ts";
import { fileOf, plain, streamOf } from "./dump-names.ts";
import { accountOf, type DumpWords, prepareProgram, printedBy, sourceOf } from "./dump-program.ts";

/** What the server shows of itself, made anew by every server. */
const views = ["information_schema", "performance_schema", "sys", "ndbinfo", "#mysql50#lost+found"];

/** Milliseconds for the server to tell its databases. */
const patience = 60_000;

const reasons: readonly Reason[] = [
  {
    said: /Access denied|\b(1044|1045|1142|1227|1698)\b/,
    kind: "denied",
    remedy:
      "check the login in the option file; the user needs SELECT, SHOW VIEW, TRIGGER, EVENT, and LOCK TABLES for lock: tables",
  },
  {
    said: /\b(2002|2003|2005)\b/,
    kind: "unreachable",
    remedy: "is the server running? The dump or the option file can name its socket, or its host and port",
  },
  { said: /Unknown database|\b1049\b/, kind: "not-found", remedy: "correct the name, or leave it out" },
  {
    said: /Lost connection|\b(2006|2013)\b/,
    kind: "unreachable",
    remedy:
      "a repository slower than the server's net_write_timeout can do that: raise it, or name a spool directory",
  },
];

/** The streams of MariaDB or MySQL: one for each database, or one for all of them together. */
export async function mysqlStreams(
  config: MysqlDumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly DumpStream[]> {
  await refuseOptionFile(config, host, signal);
  const dump = (words: readonly string[]): DumpWords => ({
    ...client(config, host),
    programs: ["mariadb-dump", "mysqldump"],
    args: [...login(config), ...manner(config), ...(config.options ?? []), ...words],
  });
  const stream = async (
    part: string | undefined,
    words: readonly string[],
    file: string,
  ): Promise<DumpStream> => {
    const source = sourceOf(await prepareProgram(dump(words), config, host, signal), file, config, host);
    const content = {
      kind: "mysql",
      format: "sql",
      ...(part === undefined ? {} : { database: part }),
    } as const;
    return streamOf(config, part === undefined ? undefined : plain(part), content, source);
  };
  const { databases = "all", exclude = [], together = false } = config;
  if (together && databases === "all" && exclude.length === 0)
    return [await stream(undefined, ["--all-databases", "--flush-privileges"], `${config.name}.sql`)];
  const names = databases === "all" ? await listed(config, host, signal) : databases;
  if (together) return [await stream(undefined, named(names), `${config.name}.sql`)];
  const streams: DumpStream[] = [];
  for (const name of names) streams.push(await stream(name, named([name]), fileOf(name, "sql")));
  return streams;
}

/** With the statements that make and choose the database; a name may begin with a dash. */
function named(names: readonly string[]): string[] {
  return [...(names.includes("mysql") ? ["--flush-privileges"] : []), "--databases", "--", ...names];
}

/** Where the server is and who asks; first, since the option file must come before all others. */
function login({ optionFile, socket, host, port, user }: MysqlDumpConfig): string[] {
  return [
    ...(optionFile === undefined ? [] : [`--defaults-file=${optionFile}`]),
    ...(socket === undefined ? [] : [`--socket=${socket}`]),
    ...(host === undefined ? [] : [`--host=${host}`]),
    ...(port === undefined ? [] : [`--port=${port}`]),
    // As the clients understand it: a port alone would be of no use for the socket.
    ...(port !== undefined && host === undefined ? ["--protocol=tcp"] : []),
    ...(user === undefined ? [] : [`--user=${user}`]),
  ];
}

function manner({ lock = "transaction" }: MysqlDumpConfig): string[] {
  return [
    ...(lock === "transaction" ? ["--single-transaction", "--skip-lock-tables"] : ["--lock-tables"]),
    "--quick",
    "--routines",
    "--events",
    "--triggers",
    "--hex-blob",
    "--no-tablespaces",
    "--default-character-set=utf8mb4",
    // What has not changed is the same to the last byte.
    "--skip-dump-date",
  ];
}

function client(config: MysqlDumpConfig, { env }: DumpHost): Pick<DumpWords, "env" | "package" | "reasons"> {
  return {
    env: { MYSQL_PWD: config.optionFile === undefined ? env["MYSQL_PWD"] : undefined },
    package: "mariadb-client or mysql-client",
    reasons,
  };
}

/** All that the login sees, but what is left out. In hexadecimal digits, whatever is in the names. */
async function listed(
  config: MysqlDumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const words: DumpWords = {
    ...client(config, host),
    programs: ["mariadb", "mysql"],
    args: [
      ...login(config),
      "--batch",
      "--skip-column-names",
      "--execute=SELECT HEX(CONVERT(schema_name USING utf8mb4)) FROM information_schema.schemata ORDER BY 1",
    ],
  };
  const doing = `list the databases for the dump ${config.name}`;
  const program = await prepareProgram(words, config, host, signal);
  const text = await printedBy(program, host, { doing, ms: patience, signal });
  const lines = text.split("\n").filter((line) => line !== "");
  const odd = lines.find((line) => !/^(?:[0-9A-F]{2})+$/.test(line));
  if (odd !== undefined)
    throw new BackupError({ kind: "unexpected", doing, found: `an answer of another form` });
  const names = lines.map((line) => Buffer.from(line, "hex").toString("utf8"));
  const wished = names.filter((name) => !views.includes(name) && !(config.exclude ?? []).includes(name));
  if (wished.length > 0) return wished.sort();
  const found = names.length === 0 ? "the server shows the login none" : `only ${names.join(", ")}`;
  throw new BackupError({
    kind: "not-found",
    doing,
    found,
    remedy: "check the rights of the login, and exclude",
  });
}

/** The dump names this file for its secret; its user may own it. */
async function refuseOptionFile(config: MysqlDumpConfig, host: DumpHost, signal: AbortSignal): Promise<void> {
  const { optionFile } = config;
  if (optionFile === undefined) return;
  const doing = `read the option file ${optionFile}`;
  const file = await openedFile(optionFile);
  if (file === undefined) throw new BackupError({ kind: "configuration", doing, found: "no such file" });
  const account = await accountOf(config, host, signal);
  if (/^\s*(?:loose[-_])?pass/im.test(file.text) || (file.mode & 0o022) !== 0)
    refuseExposed(file, file.uid === account?.uid ? file.uid : host.uid);
}
