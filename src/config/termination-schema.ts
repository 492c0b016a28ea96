import * as z from "zod/mini";
import { duration, notes, section, text, yesOrNo } from "./fields.ts";
import { jobName } from "./limits.ts";

const maybe = z.exactOptional;

const name = text(jobName, "the name of a job", { description: "A job.", examples: ["default"] });

/** The last capture before this instance goes. */
export const termination = section(
  {
    capture: maybe(
      yesOrNo({
        description:
          "Whether the daemon makes it; without it where a notice can come: on spot and in Auto Scaling groups.",
        examples: [true],
      }),
    ),
    every: maybe(
      duration("1s", "1m", {
        description: "How often the metadata is asked for a notice.",
        examples: ["5s"],
        default: "5s",
      }),
    ),
    budget: maybe(
      duration("10s", "30m", {
        description: "How long all of it may take.",
        examples: ["1m"],
        default: "1m",
      }),
    ),
    jobs: maybe(
      z.array(name, "a list of jobs").register(notes, {
        description: "Which jobs; without it each that captures volumes.",
        examples: [["default"]],
      }),
    ),
  },
  { description: "A last capture on a notice that this instance is to end." },
);

export type FileTermination = z.infer<typeof termination>;
