import * as z from "zod/mini";
import { countedRules } from "../core/retention-policy.ts";
import type { WrittenRepository } from "../core/stored-wish.ts";
import { dumpRecords } from "./dump-records.ts";
import * as limits from "./limits.ts";
import { scheduleTrouble } from "./readable.ts";
import { storeName } from "./repositories-schema.ts";

const maybe = z.exactOptional;
const absolute = z.string().check(z.regex(/^(?:\/|[A-Za-z]:[\\/])[^\0]{0,4095}$/s));
const texts = z.array(z.string());
const name = z.string().check(z.regex(storeName));
const schedule = z.string().check(z.refine((text) => scheduleTrouble(text) === undefined));
const milliseconds = z.int().check(z.gte(0));
const count = maybe(z.int().check(z.gte(1), z.lte(limits.mostKept)));

/** What a job stores, as the state file keeps it. */
export const stored = z.strictObject({
  files: maybe(
    z.strictObject({
      repository: name,
      paths: z.array(absolute).check(z.minLength(1)),
      exclude: maybe(texts),
      excludeFile: maybe(absolute),
      oneFileSystem: maybe(z.boolean()),
      excludeCaches: maybe(z.boolean()),
      tags: maybe(texts),
    }),
  ),
  dumps: dumpRecords,
  volumes: z.boolean(),
});

const retention = z.strictObject({
  ...(Object.fromEntries(countedRules.map((rule) => [rule, count])) as Record<
    (typeof countedRules)[number],
    typeof count
  >),
  within: maybe(milliseconds),
});

const repository = z.strictObject({
  url: z.string().check(z.minLength(1)),
  passwordFile: maybe(absolute),
  passwordCommand: maybe(texts.check(z.minLength(1))),
  cacert: maybe(absolute),
  options: maybe(z.record(z.string(), z.string())),
  environmentFile: maybe(absolute),
  restic: maybe(absolute),
  appendOnly: maybe(z.boolean()),
  timezone: maybe(z.string()),
  lockWait: maybe(milliseconds),
  idleTimeout: maybe(milliseconds),
  deadline: maybe(milliseconds),
  prune: maybe(z.strictObject({ schedule })),
  check: maybe(z.strictObject({ schedule, subset: maybe(z.string().check(z.regex(/^1\/[1-9]\d{0,3}$/))) })),
  mirror: maybe(
    z.strictObject({
      to: name,
      schedule: maybe(schedule),
      retention: maybe(retention),
      hosts: maybe(z.enum(["own", "all"])),
    }),
  ),
});

/** Repositories as the state file keeps them. */
export const repositories = z.record(name, repository);

/** Fails to compile when a repository gains a field that the records do not know. */
type Missing = Exclude<keyof WrittenRepository, keyof z.infer<typeof repository>>;
export const repositoriesAreWhole: [Missing] extends [never] ? true : never = true;
