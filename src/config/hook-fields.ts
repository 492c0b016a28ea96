import * as z from "zod/mini";
import { duration, oneOf, text } from "./fields.ts";

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
