import * as z from "zod/mini";
import type { DumpConfig } from "../core/dump-config.ts";
import { mongodbAddress, port, serverHost, serverSocket, serverUser } from "./database-hooks-schema.ts";
import { common, list, passwordFile, runAs, selected } from "./dump-fields.ts";
import { dumpOptions as options } from "./dump-options-schema.ts";
import { exactlyOne, notes, oneOf, section, text, yesOrNo } from "./fields.ts";
import { env, path, user, word } from "./hook-fields.ts";

const maybe = z.exactOptional;

const mysql = section(
  {
    ...common,
    ...selected,
    together: maybe(
      yesOrNo({
        description:
          "Whether all databases are one dump of one instant; with a database that is missing it fails.",
        examples: [true],
        default: false,
      }),
    ),
    lock: maybe(
      oneOf(["transaction", "tables"], {
        description:
          "What makes it consistent: one transaction (InnoDB), or locks of each database's tables (MyISAM, Aria), for which writers wait.",
        examples: ["transaction"],
        default: "transaction",
      }),
    ),
    optionFile: maybe(
      path("An option file with the login; without it those that the clients read.", "/root/.my.cnf"),
    ),
    socket: serverSocket,
    host: serverHost,
    port,
    user: serverUser("The user of the server.", "backup"),
    runAs,
    options,
  },
  { description: "MariaDB or MySQL, by mariadb-dump or mysqldump." },
).check(z.superRefine(excludedOfAll, { when: () => true }));

const postgres = section(
  {
    ...common,
    ...selected,
    globals: maybe(
      yesOrNo({
        description: "Whether roles and tablespaces are dumped too.",
        examples: [true],
        default: true,
      }),
    ),
    host: serverHost,
    port,
    role: serverUser("The role; without it that of the user who connects.", "postgres"),
    user: user("The system's user that connects, for peer authentication.", "postgres"),
    database: maybe(
      text(/^[^\0]{1,63}$/, "a database", {
        description: "The database that is asked for the others.",
        examples: ["postgres"],
        default: "postgres",
      }),
    ),
    passFile: maybe(path("A password file in libpq's format, for the user that connects.", "/root/.pgpass")),
    options,
  },
  { description: "PostgreSQL, by pg_dump and pg_dumpall." },
).check(z.superRefine(excludedOfAll, { when: () => true }));

const mongodb = section(
  {
    ...common,
    uri: mongodbAddress(
      /^mongodb(\+srv)?:\/\/[^\s@]{1,1000}$/,
      "a mongodb:// or mongodb+srv:// address without user and password",
    ),
    user: serverUser("The user of the server.", "backup"),
    passwordFile,
    database: maybe(
      text(/^[^\0/\\. "$]{1,63}$/, "the name of a database", {
        description: "The database; without it the whole server, as one archive.",
        examples: ["tracks"],
      }),
    ),
    collections: maybe(
      list(
        text(/^[^\0$]{1,255}$/, "the name of a collection", {
          description: "A collection.",
          examples: ["wind"],
        }),
        "collections",
        ["wind"],
      ).register(notes, {
        description: "Which collections of the database; each becomes a point of its own. Without it all.",
        examples: [["wind", "waves"]],
      }),
    ),
    format: maybe(
      oneOf(["archive", "json"], {
        description:
          "archive = by mongodump; json = a document in each line of a collection's file, by mongoexport.",
        examples: ["archive"],
        default: "archive",
      }),
    ),
    runAs,
    options,
  },
  { description: "MongoDB, by mongodump or mongoexport." },
).check(z.superRefine(collectionsOfDatabase, { when: () => true }));

const redis = section(
  {
    ...common,
    socket: serverSocket,
    host: serverHost,
    port,
    user: serverUser("The user of the server.", "default"),
    passwordFile,
    runAs,
  },
  { description: "Redis or Valkey: the RDB file that the server sends to a replica, by redis-cli." },
);

const command = section(
  {
    ...common,
    run: z
      .array(word, "a list of words")
      .check(
        z.minLength(1, "a program"),
        z.refine((words) => words[0] !== "", "a program"),
      )
      .register(notes, {
        description:
          "The program and its words. What it prints is the dump, and only 0 says that it is whole; of a shell's pipeline that is the last program's word alone, unless set -o pipefail.",
        examples: [["slapcat"]],
      }),
    file: maybe(
      text(/^(?!\.{1,2}$)[\w.@+-]{1,128}$/, "a plain file name", {
        description: "What the dump's file is called in the repository; without it as the dump.",
        examples: ["ldap.ldif"],
      }),
    ),
    user: user("The user that it runs as; without it the agent's.", "openldap"),
    env: env({ LC_ALL: "C" }),
  },
  { description: "Any program that prints what is to be kept." },
);

/** What is left out of a list need not be named in it. */
function excludedOfAll(value: unknown, context: z.core.$RefinementCtx): void {
  const { databases, exclude } = (value ?? {}) as Record<string, unknown>;
  if (exclude === undefined || !Array.isArray(databases)) return;
  const message = "nothing beside a list of databases";
  context.addIssue({ code: "custom", path: ["exclude"], message, params: { found: "exclude" } });
}

function collectionsOfDatabase(value: unknown, context: z.core.$RefinementCtx): void {
  const { database: of, collections, format } = (value ?? {}) as Record<string, unknown>;
  if (of !== undefined || (collections === undefined && format !== "json")) return;
  const key = collections === undefined ? "format" : "collections";
  const message = "a database beside it";
  context.addIssue({ code: "custom", path: [key], message, params: { found: "none" } });
}

const kinds = {
  mysql: maybe(mysql),
  postgres: maybe(postgres),
  mongodb: maybe(mongodb),
  redis: maybe(redis),
  command: maybe(command),
};

const dump = z.pipe(
  section(kinds, { minProperties: 1, maxProperties: 1, description: "One dump." }).check(exactlyOne(kinds)),
  z.transform((written): DumpConfig => {
    const [kind, fields] = Object.entries(written)[0] ?? [];
    return { kind, ...fields } as DumpConfig;
  }),
);

/** Fails to compile when what the file says of a kind is not what the dump takes. */
type Written = { [Kind in keyof typeof kinds]-?: z.infer<(typeof kinds)[Kind]> };
type Taken = { [Kind in DumpConfig["kind"]]: Omit<Extract<DumpConfig, { kind: Kind }>, "kind"> };
type Same = Written extends Taken ? true : never;
export const writtenIsTaken: Same = true;

/** The dumps of a job, in the order in which they are made. */
export const dumps = z
  .array(dump, "a list of dumps such as - mysql: {name: shop, repository: central}")
  .register(notes, {
    description: "Dumps of databases and of programs, made before the files and the snapshots.",
    examples: [[{ mysql: { name: "shop", repository: "central", databases: ["shop"] } }]],
  });
