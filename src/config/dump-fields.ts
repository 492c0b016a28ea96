import * as z from "zod/mini";
import { notes, schedule, text } from "./fields.ts";
import { storedTags } from "./files-schema.ts";
import { path, user, wait } from "./hook-fields.ts";
import { repositoryName, storeName } from "./repositories-schema.ts";

const maybe = z.exactOptional;

const name = text(storeName, "a dump name of up to 63 lower-case letters, digits and hyphens", {
  description: "What the dump is called; part of what its points are known by.",
  examples: ["shop"],
});

/** What every dump may say. */
export const common = {
  name,
  repository: repositoryName,
  schedule: maybe(
    schedule({
      description:
        "When it is due: a run of the job makes it only if this had a slot since its last good point. Without it every run does.",
      examples: ["0 4 * * 0"],
    }),
  ),
  tags: maybe(storedTags),
  programs: maybe(path("The directory that its programs lie in.", "/usr/lib/postgresql/15/bin")),
  spool: maybe(
    path(
      "A directory of the agent's own, made if it is not there: each dump is written there first, so that the server is not kept waiting by the repository.",
      "/var/spool/ec2-backup",
    ),
  ),
  timeout: wait("After this a dump is ended.", "12h", "1s", "7d"),
  idleTimeout: wait("A dump whose programs do nothing for so long is ended.", "10m", "1s"),
};

export const runAs = user("The system's user that its programs run as; without it the agent's.", "backup");

/** Several, each once. */
export const list = (one: z.core.$ZodType<string, string>, what: string, example: readonly string[]) =>
  z
    .array(one, `a list of ${what}`)
    .check(
      z.minLength(1, `at least one of the ${what}`),
      z.refine((all) => new Set(all).size === all.length, "each of them once"),
    )
    .register(notes, { description: `Some ${what}.`, examples: [example] });

const database = text(/^[^\0\r\n]{1,64}$/, "the name of a database", {
  description: "A database.",
  examples: ["shop"],
});
/** Which databases of a server. */
export const selected = {
  databases: maybe(
    z
      .union([z.literal("all"), list(database, "databases", ["shop", "crm"])], "all, or a list of databases")
      .register(notes, {
        description: "Which databases; each becomes a point of its own.",
        examples: ["all", ["shop", "crm"]],
        default: "all",
      }),
  ),
  exclude: maybe(
    list(database, "databases", ["test"]).register(notes, {
      description: "Databases that all leaves out.",
      examples: [["test"]],
    }),
  ),
};

export const passwordFile = maybe(
  path("A file that holds the password alone, readable by its owner only.", "/etc/ec2-backup/password"),
);
