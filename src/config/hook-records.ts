import * as z from "zod/mini";
import type { HookConfig } from "../core/hook-config.ts";

const maybe = z.exactOptional;
const text = z.string().check(z.regex(/^[^\0]*$/));
const absolute = z.string().check(z.regex(/^\/[^\0]*$/));
const milliseconds = z.int().check(z.gte(1), z.lte(86_400_000));
/** However the file came to say otherwise: nothing stands still for longer. */
const deadline = z.int().check(z.gte(1000), z.lte(60_000));
const port = maybe(z.int().check(z.gte(1), z.lte(65_535)));
const commandLine = maybe(z.union([text, z.array(text).check(z.minLength(1))]));

const common = { name: text, onFailure: z.enum(["abort", "continue"]) };
const server = { socket: maybe(absolute), host: maybe(text), port, user: maybe(text) };

const command = z.strictObject({
  kind: z.literal("command"),
  ...common,
  before: commandLine,
  after: commandLine,
  user: maybe(text),
  env: z.record(z.string().check(z.regex(/^[A-Za-z_]\w*$/)), text),
  timeout: milliseconds,
  log: maybe(absolute),
});
const mysql = z.strictObject({
  kind: z.literal("mysql"),
  ...common,
  ...server,
  optionFile: maybe(absolute),
  lockWait: milliseconds,
  deadline,
  lock: z.enum(["auto", "backup", "global"]),
});
const postgres = z.strictObject({
  kind: z.literal("postgres"),
  ...common,
  host: maybe(text),
  port,
  role: maybe(text),
  database: text,
  user: maybe(text),
  mode: z.enum(["checkpoint", "backup"]),
  timeout: milliseconds,
  deadline,
});
const redis = z.strictObject({
  kind: z.literal("redis"),
  ...common,
  ...server,
  passwordFile: maybe(absolute),
  mode: z.enum(["auto", "rdb", "aof"]),
  timeout: milliseconds,
});
const mongodb = z.strictObject({
  kind: z.literal("mongodb"),
  ...common,
  uri: text,
  user: maybe(text),
  passwordFile: maybe(absolute),
  timeout: milliseconds,
  deadline,
});
const freeze = z.strictObject({
  kind: z.literal("freeze"),
  ...common,
  mounts: z.union([z.literal("data"), z.array(absolute).check(z.minLength(1))]),
  deadline,
});

/** Hooks as the state file keeps them. */
export const hookRecords = z.array(z.union([command, mysql, postgres, redis, mongodb, freeze]));

/** Fails to compile when a hook gains or loses a field that the records do not know. */
type Same = z.infer<typeof hookRecords>[number] extends HookConfig ? true : never;
export const recordsAreHooks: Same = true;
