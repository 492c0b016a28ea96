import * as z from "zod/mini";
import type { DumpConfig } from "../core/dump-config.ts";

const maybe = z.exactOptional;
const text = z.string().check(z.regex(/^[^\0]*$/));
const texts = z.array(text);
const absolute = z.string().check(z.regex(/^\/[^\0]*$/));
/** As in the file: not so long that a dump that hangs would be one for ever. */
const milliseconds = maybe(z.int().check(z.gte(1), z.lte(7 * 86_400_000)));
const port = maybe(z.int().check(z.gte(1), z.lte(65_535)));

const common = {
  name: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,62}$/)),
  repository: text,
  schedule: maybe(text),
  tags: maybe(texts),
  programs: maybe(absolute),
  spool: maybe(absolute),
  timeout: milliseconds,
  idleTimeout: milliseconds,
};
const place = { socket: maybe(absolute), host: maybe(text), port, user: maybe(text), runAs: maybe(text) };
const databases = { databases: maybe(z.union([z.literal("all"), texts])), exclude: maybe(texts) };
const options = maybe(texts);

const mysql = z.strictObject({
  kind: z.literal("mysql"),
  ...common,
  ...databases,
  ...place,
  together: maybe(z.boolean()),
  lock: maybe(z.enum(["transaction", "tables"])),
  optionFile: maybe(absolute),
  options,
});
const postgres = z.strictObject({
  kind: z.literal("postgres"),
  ...common,
  ...databases,
  globals: maybe(z.boolean()),
  host: maybe(text),
  port,
  role: maybe(text),
  user: maybe(text),
  database: maybe(text),
  passFile: maybe(absolute),
  options,
});
const mongodb = z.strictObject({
  kind: z.literal("mongodb"),
  ...common,
  uri: maybe(text),
  user: maybe(text),
  passwordFile: maybe(absolute),
  database: maybe(text),
  collections: maybe(texts),
  format: maybe(z.enum(["archive", "json"])),
  runAs: maybe(text),
  options,
});
const redis = z.strictObject({
  kind: z.literal("redis"),
  ...common,
  ...place,
  passwordFile: maybe(absolute),
});
const command = z.strictObject({
  kind: z.literal("command"),
  ...common,
  run: texts.check(z.minLength(1)),
  file: maybe(z.string().check(z.regex(/^(?!\.{1,2}$)[^\0/]+$/))),
  user: maybe(text),
  env: maybe(z.record(z.string().check(z.regex(/^[A-Za-z_]\w*$/)), text)),
});

/** Dumps as the state file keeps them. */
export const dumpRecords = z.array(z.union([mysql, postgres, mongodb, redis, command]));

/** Fails to compile when a dump gains or loses a field that the records do not know. */
type Recorded = z.infer<typeof dumpRecords>[number];
type KeysOf<Dump, Kind> = Dump extends { readonly kind: Kind } ? keyof Dump : never;
type Same = {
  [Kind in DumpConfig["kind"]]: [KeysOf<DumpConfig, Kind>, KeysOf<Recorded, Kind>] extends [
    KeysOf<Recorded, Kind>,
    KeysOf<DumpConfig, Kind>,
  ]
    ? true
    : never;
}[DumpConfig["kind"]];
type Taken = Recorded extends DumpConfig ? Same : never;
export const recordsAreDumps: Taken = true;
