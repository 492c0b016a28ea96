import * as z from "zod/mini";
import { notes, oneOf, section, text } from "./fields.ts";
import { deadline, onFailure, path, wait } from "./hook-fields.ts";

const maybe = z.exactOptional;

export const port = maybe(
  z
    .int("a port")
    .check(z.gte(1, "a port"), z.lte(65_535, "a port"))
    .register(notes, { description: "The port of the server.", examples: [3306] }),
);
export const serverHost = maybe(
  text(/^[\w./:@-]{1,255}$/, "a host name or an address", {
    description: "The server, if not its local socket; of PostgreSQL also the directory of its socket.",
    examples: ["127.0.0.1"],
  }),
);
export const serverSocket = maybe(path("The socket of the server.", "/run/mysqld/mysqld.sock"));
export const serverUser = (what: string, example: string) =>
  maybe(text(/^[^\0]{1,128}$/, "a user", { description: what, examples: [example] }));
/** `expected`: what is told of one that is not as the pattern has it. */
export const mongodbAddress = (pattern: RegExp, expected: string) =>
  maybe(
    z
      .string(expected)
      .check(
        z.superRefine((value, context) => {
          // What may hold a password is never shown.
          const found = value.includes("@") ? "one with a user or a password" : "something else";
          if (!pattern.test(value))
            context.addIssue({ code: "custom", message: expected, params: { found } });
        }),
      )
      .register(notes, {
        description: "The server; user and password have places of their own.",
        examples: ["mongodb://127.0.0.1:27017"],
        default: "mongodb://127.0.0.1:27017",
      }),
  );
const passwordFile = maybe(
  path("A file that holds the password alone, readable by its owner only.", "/etc/ec2-backup/password"),
);

export const mysql = section(
  {
    optionFile: maybe(path("An option file; without it those that MySQL's clients read.", "/root/.my.cnf")),
    socket: serverSocket,
    host: serverHost,
    port,
    user: serverUser("The user of the server.", "backup"),
    lock: maybe(
      oneOf(["auto", "backup", "global"], {
        description: "auto = the mildest lock that suffices; global = FLUSH TABLES WITH READ LOCK.",
        examples: ["auto"],
        default: "auto",
      }),
    ),
    lockWait: wait("How long the lock is waited for.", "30s"),
    deadline: deadline("After this the server ends the lock by itself."),
    onFailure,
  },
  { description: "MariaDB or MySQL, held by a lock." },
);

export const postgres = section(
  {
    host: serverHost,
    port,
    role: serverUser("The role; without it that of the user who connects.", "postgres"),
    database: maybe(
      text(/^[^\0]{1,63}$/, "a database", {
        description: "The database to connect to.",
        examples: ["postgres"],
        default: "postgres",
      }),
    ),
    user: serverUser("The system's user that connects, for peer authentication.", "postgres"),
    mode: maybe(
      oneOf(["checkpoint", "backup"], {
        description: "checkpoint suffices for one set; backup brackets the capture as a base backup.",
        examples: ["checkpoint"],
        default: "checkpoint",
      }),
    ),
    timeout: wait("How long the checkpoint may take.", "10m"),
    deadline: deadline("After this the server ends what is held by itself."),
    onFailure,
  },
  { description: "PostgreSQL, by psql." },
);

export const redis = section(
  {
    socket: serverSocket,
    host: serverHost,
    port,
    user: serverUser("The user of the server.", "default"),
    passwordFile,
    mode: maybe(
      oneOf(["auto", "rdb", "aof"], {
        description: "What is written before the capture; auto = what the server uses.",
        examples: ["auto"],
        default: "auto",
      }),
    ),
    timeout: wait("How long the writing may take.", "10m"),
    onFailure,
  },
  { description: "Redis or Valkey: its data is saved before the capture." },
);

export const mongodb = section(
  {
    uri: mongodbAddress(/^mongodb:\/\/[^\s@]{1,1000}$/, "a mongodb:// address without user and password"),
    user: serverUser("The user of the server.", "backup"),
    passwordFile,
    timeout: wait("How long connecting and locking may take.", "30s"),
    deadline: deadline("After this the lock is released, whatever happened."),
    onFailure,
  },
  { description: "MongoDB, held by fsync with lock." },
);
