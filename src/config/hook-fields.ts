import * as z from "zod/mini";
import { duration, notes, oneOf, text } from "./fields.ts";

const maybe = z.exactOptional;
const absolute = /^\/(?!.*\0).{0,4095}$/s;

export const onFailure = maybe(
  oneOf(["continue", "abort"], {
    description: "Whether the capture goes on without the hook; what that makes of the point is said.",
    examples: ["continue"],
    default: "continue",
  }),
);

/** A path that means the same wherever the agent is started. */
export const path = (description: string, example: string) =>
  text(absolute, "an absolute path", { description, examples: [example] });

export const wait = (description: string, example: string, least = "100ms", most = "24h") =>
  maybe(duration(least, most, { description, examples: [example], default: example }));

/** A lock or a freeze that nobody ends by hand must end by itself, and soon. */
export const deadline = (description: string) => wait(description, "10s", "1s", "60s");

/** A user of this host. */
export const user = (description: string, example: string) =>
  maybe(text(/^[\w.-]{1,64}\$?$/, "the name of a user", { description, examples: [example] }));

/** One word that a program is given. */
export const word = text(/^[^\0]*$/s, "a word without NUL", { description: "A word.", examples: ["--all"] });

/** Variables that a program is given. */
export const env = (example: Record<string, string>) =>
  maybe(
    z
      .record(
        z
          .string()
          .check(z.regex(/^(?!EC2_BACKUP_)[A-Za-z_]\w*$/, "a variable that does not begin with EC2_BACKUP_")),
        word,
        "a mapping from variables to text",
      )
      .register(notes, { description: "Variables beside our own.", examples: [example] }),
  );
