import type { DumpHost, DumpStream, MongodbDumpConfig } from "../core/dump-config.ts";
import { BackupError } from "../core/errors.ts";
import { passwordIn } from "../host/private-file.ts";
import type { Reason } from "./dump-failure.ts";
import { failing, fileOf, plain, streamOf } from "./dump-names.ts";
import { prepareProgram, sourceOf } from "./dump-program.ts";
import { openMongodb } from "./mongodb-session.ts";

/** Milliseconds to connect, and for one answer. */
const patience = 30_000;
const most = 100_000;

const reasons: readonly Reason[] = [
  {
    said: /Authentication failed|auth error|not authorized|requires authentication/i,
    kind: "denied",
    remedy: "check user and passwordFile, and authSource in the uri; the user needs the role backup",
  },
  {
    said: /server selection (?:error|timeout)|connection refused|no reachable servers/i,
    kind: "unreachable",
    remedy: "is the server running, and is the uri right?",
  },
];

/**
 * The streams of MongoDB: the server or a database as one archive, or one for each collection. The programs print
 * nothing and end with 0 for a collection that is not there, so the server is asked first.
 */
export async function mongodbStreams(
  config: MongodbDumpConfig,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly DumpStream[]> {
  const { database, collections, format = "archive", passwordFile } = config;
  const password = passwordFile === undefined ? undefined : await passwordIn(passwordFile, host.uid);
  const make = async (
    content: { readonly database?: string; readonly collection?: string },
    file: string,
    part?: string,
  ): Promise<DumpStream> => {
    const wish = {
      programs: [format === "json" ? "mongoexport" : "mongodump"],
      args: [
        ...words(config),
        ...(content.collection === undefined ? [] : [`--collection=${content.collection}`]),
      ],
      // Asked for it, the programs read it from their stdin; as an argument everybody could read it.
      ...(password === undefined ? {} : { input: `${password}\n` }),
      secrets: [password],
      package: "mongodb-database-tools",
      reasons,
    };
    const source = sourceOf(await prepareProgram(wish, config, host, signal), file, config, host);
    return streamOf(config, part, { kind: "mongodb", format, ...content }, source);
  };
  if (database === undefined) return [await make({}, `${config.name}.archive`)];
  const found = await collectionsOf(config, database, host, signal);
  const whole = collections === undefined && format === "archive";
  if (whole) return [await make({ database }, fileOf(database, "archive"))];
  const ending = format === "json" ? "json" : "archive";
  const streams: DumpStream[] = [];
  for (const collection of collections ?? found) {
    const file = fileOf(`${database}.${collection}`, ending);
    const content = { database, collection };
    if (found.includes(collection)) streams.push(await make(content, file, plain(collection)));
    else {
      const stream = streamOf(
        config,
        plain(collection),
        { kind: "mongodb", format, ...content },
        failing(file, gone(database, collection)),
      );
      streams.push(stream);
    }
  }
  return streams;
}

function words({
  uri = "mongodb://127.0.0.1:27017",
  user,
  database,
  format,
  options = [],
}: MongodbDumpConfig): string[] {
  return [
    `--uri=${uri}`,
    ...(user === undefined ? [] : [`--username=${user}`, ...authentication(uri)]),
    ...(database === undefined ? [] : [`--db=${database}`]),
    // Types stay what they are: a plain number could come back as another one.
    ...(format === "json" ? ["--jsonFormat=canonical"] : ["--archive"]),
    ...options,
  ];
}

/** What the driver takes; the programs would take the database of the dump. */
function authentication(uri: string): string[] {
  if (/[?&]authSource=/i.test(uri)) return [];
  const [, named = ""] = /^[^/]+:\/\/[^/?]*\/([^?]*)/.exec(uri) ?? [];
  return [`--authenticationDatabase=${named === "" ? "admin" : decodeURIComponent(named)}`];
}

function gone(database: string, collection: string): BackupError {
  return new BackupError({
    kind: "not-found",
    doing: `dump the collection ${collection} of ${database}`,
    found: "the database has no such collection",
    remedy: "correct the name, or leave it out",
  });
}

/** What the database has, without views and what the server keeps there for itself. */
async function collectionsOf(
  config: MongodbDumpConfig,
  database: string,
  host: DumpHost,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { uri = "mongodb://127.0.0.1:27017", user, passwordFile } = config;
  const bound = {
    ms: patience,
    signal,
    doing: `list the collections of ${database} for the dump ${config.name}`,
  };
  const target = {
    uri,
    ...(user === undefined ? {} : { user }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
  };
  const session = await openMongodb(target, host.uid, bound);
  try {
    const list = {
      listCollections: 1,
      nameOnly: true,
      authorizedCollections: true,
      cursor: { batchSize: most },
    };
    const answer = await session.command(list, bound, database);
    const { firstBatch = [], id = 0 } = (answer["cursor"] ?? {}) as {
      firstBatch?: readonly { readonly name?: string; readonly type?: string }[];
      id?: unknown;
    };
    if (Number(id) !== 0)
      throw new BackupError({ kind: "unexpected", doing: bound.doing, found: `more than ${most}` });
    const names = firstBatch.flatMap(({ name, type = "collection" }) =>
      name === undefined || type === "view" || name.startsWith("system.") ? [] : [name],
    );
    if (names.length > 0) return names.sort();
    const remedy = "correct its name, or let the user read it";
    throw new BackupError({
      kind: "not-found",
      doing: bound.doing,
      found: "it is not there, or has none",
      remedy,
    });
  } finally {
    await session.close();
  }
}
