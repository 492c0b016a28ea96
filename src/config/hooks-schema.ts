import * as z from "zod/mini";
import { refusalsOfPaths } from "../core/freeze-paths.ts";
import { mongodb, mysql, postgres, redis } from "./database-hooks-schema.ts";
import { exactlyOne, notes, section, text } from "./fields.ts";
import { deadline, env, onFailure, path, user, wait, word } from "./hook-fields.ts";

const maybe = z.exactOptional;

const line = z.string("a command line").check(z.regex(/^(?=.*\S)[^\0]+$/s, "a command line"));
const words = z.array(word, "a list of words").check(
  z.minLength(1, "a program"),
  z.refine((all) => all[0] !== "", "a program"),
);

const commandLine = (description: string, example: readonly string[]) =>
  z
    .union([words, line], "a list of words, or one line for /bin/sh")
    .register(notes, { description, examples: [example] });

const command = section(
  {
    name: maybe(
      text(/^[\w.-]{1,63}$/, "a name of letters, digits, dots, dashes", {
        description: "What reports call it.",
        examples: ["dump"],
      }),
    ),
    before: maybe(commandLine("Runs before the capture.", ["/usr/local/bin/dump"])),
    after: maybe(commandLine("Runs after it, whenever before succeeded.", ["/usr/local/bin/clean"])),
    user: user("The user that both run as; without it the agent's.", "backup"),
    env: env({ PGHOST: "/run/postgresql" }),
    timeout: wait("After this the program and all it started are ended.", "60s"),
    log: maybe(path("A file to which the output is appended as well.", "/var/log/dump.log")),
    onFailure,
  },
  { description: "Programs around the capture, each as a list of words or as one line for /bin/sh." },
).check(
  z.superRefine(
    (value: unknown, context) => {
      const { before, after } = (value ?? {}) as { before?: unknown; after?: unknown };
      if (typeof value !== "object" || value === null || before !== undefined || after !== undefined) return;
      context.addIssue({ code: "custom", message: "before, after or both", params: { found: "neither" } });
    },
    { when: () => true },
  ),
);

const mounts = z
  .union(
    [
      z.literal("data"),
      z
        .array(
          text(/^/, "a mount point", { description: "A mount point.", examples: ["/data"] }),
          "data, or a list of mount points",
        )
        .check(z.minLength(1, "at least one mount point")),
    ],
    "data, or a list of mount points",
  )
  .check(
    z.superRefine((value, context) => {
      if (value === "data") return;
      for (const { path: place, because } of refusalsOfPaths(value))
        context.addIssue({
          code: "custom",
          path: [value.indexOf(place)],
          message: "a mount point that may be frozen",
          params: { found: `${JSON.stringify(place)} (${because})` },
        });
    }),
  )
  .register(notes, {
    description: "The mounts to freeze; data = every mount on the captured volumes that may be frozen.",
    examples: ["data"],
  });

const freeze = section(
  {
    mounts: maybe(mounts),
    deadline: deadline("After this a guard of its own thaws, whatever happened."),
    onFailure,
  },
  { description: "Which filesystems are frozen, and for how long at most." },
);

/** `freeze: data` says the same as `freeze: { mounts: data }`. */
const freezeOrMounts = z
  .union(
    [freeze, mounts],
    "data, a list of mount points, or a mapping with any of mounts, deadline, onFailure",
  )
  .register(notes, {
    description: "Filesystems, frozen by fsfreeze; the last hook of a job.",
    examples: ["data", { mounts: ["/var/lib/mysql"], deadline: "10s" }],
  });

const kinds = {
  command: maybe(command),
  mysql: maybe(mysql),
  postgres: maybe(postgres),
  redis: maybe(redis),
  mongodb: maybe(mongodb),
  freeze: maybe(freezeOrMounts),
};

const hook = section(kinds, { minProperties: 1, maxProperties: 1, description: "One hook." }).check(
  exactlyOne(kinds),
);

/** The hooks of a job. */
export const hooks = z
  .array(hook, "a list of hooks such as - freeze: data")
  .check(z.superRefine(inGoodOrder, { when: () => true }))
  .register(notes, {
    description: "Held in this order around the capture, released in reverse.",
    examples: [[{ mysql: { optionFile: "/root/.my.cnf" } }, { freeze: { mounts: "data" } }]],
  });

/** Nothing else can be done while filesystems stand still, so a freeze comes last. */
function inGoodOrder(value: unknown, context: z.core.$RefinementCtx): void {
  if (!Array.isArray(value)) return;
  value.forEach((one: unknown, index) => {
    if (typeof one !== "object" || one === null || !("freeze" in one) || index === value.length - 1) return;
    context.addIssue({
      code: "custom",
      path: [index, "freeze"],
      message: "freeze as the last hook of the job, and once",
      params: { found: "a hook after it" },
    });
  });
}

export type FileHook = z.infer<typeof hook>;
