import * as z from "zod/mini";
import { duration, notes, section, text, yesOrNo } from "./fields.ts";
import { retention } from "./retention-schema.ts";

const maybe = z.exactOptional;

const filter = section(
  {
    name: text(/^[\w:/.@+=-]{1,255}$/, "the name of a filter of DescribeInstances, such as tag:Name", {
      description: "The name of a filter, as EC2 has it for DescribeInstances.",
      examples: ["tag:aws:autoscaling:groupName"],
    }),
    values: z
      .array(
        text(/^.{1,255}$/, "a value of up to 255 characters", {
          description: "A value; * and ? are wildcards.",
          examples: ["web-*"],
        }),
        "a list of values",
      )
      .check(z.minLength(1, "at least one value"), z.maxLength(200, "at most 200 values"))
      .register(notes, { description: "Any of these.", examples: [["web-*"]] }),
  },
  { description: "A filter of EC2." },
);

/** What a sweep captures in place of agents. */
export const create = section(
  {
    overdueAfter: maybe(
      duration("1h", "400d", {
        description: "How old the newest point of an instance may be before the sweep captures it.",
        examples: ["26h"],
        default: "26h",
      }),
    ),
    filters: maybe(
      z
        .array(filter, "a list of mappings with name and values")
        .check(z.maxLength(20, "at most 20 filters"))
        .register(notes, {
          description:
            "Only instances that all of these fit: by Name, Auto Scaling group or any filter of EC2.",
          examples: [[{ name: "tag:Name", values: ["web-*"] }]],
        }),
    ),
    all: maybe(
      yesOrNo({
        description: "Also instances without a Backup tag; Backup=no is left out all the same.",
        examples: [false],
        default: false,
      }),
    ),
    unattached: maybe(
      yesOrNo({
        description: "Also volumes that no instance has, if Backup=yes is on them; with `all`, all of them.",
        examples: [true],
        default: false,
      }),
    ),
    retention: maybe(retention),
    stop: maybe(
      yesOrNo({
        description:
          "Stop, capture and start instances with Backup_Stop=yes; their tag alone does nothing, nor does this.",
        examples: [false],
        default: false,
      }),
    ),
    stopFor: maybe(
      duration("1s", "1h", {
        description: "How long an instance may take to stop before it is captured as it is.",
        examples: ["5m"],
        default: "5m",
      }),
    ),
    startFor: maybe(
      duration("1s", "1h", {
        description: "How long an instance may take to run again before somebody is told.",
        examples: ["3m"],
        default: "3m",
      }),
    ),
  },
  { description: "Capture instances whose agents show no recent point; without the key none is." },
);
