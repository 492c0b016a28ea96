import * as z from "zod/mini";
import { parseDuration } from "../core/duration.ts";
import { readTopicArn } from "../core/topic.ts";
import { notes, section, text } from "./fields.ts";

const maybe = z.exactOptional;

const topicExpected = "the ARN of an SNS topic such as arn:aws:sns:eu-central-1:123456789012:backup";

/** CloudWatch alarms cannot tell FIFO topics. */
const topic = z
  .string(topicExpected)
  .check(z.refine((arn) => readTopicArn(arn) !== undefined && !arn.endsWith(".fifo"), topicExpected))
  .register(notes, {
    description: "The SNS topic that alarms tell; it must lie in the instance's region.",
    examples: ["arn:aws:sns:eu-central-1:123456789012:backup"],
  });

const slowerExpected = "auto or a duration from 1s to 7d such as 15m";

const slowerWritten = z.string(slowerExpected).register(notes, {
  description: "How long a run may take; auto = 3 x the median of the last 14 runs, in whole minutes.",
  examples: ["15m"],
  default: "auto",
});

const slowerThan = z.pipe(
  slowerWritten,
  z.transform((written: string, context): number | "auto" => {
    if (written === "auto") return written;
    const ms = durationOf(written);
    if (ms !== undefined && ms >= 1_000 && ms <= 7 * 86_400_000) return ms;
    context.issues.push({ code: "custom", input: written, message: slowerExpected });
    return z.NEVER;
  }),
);

function durationOf(written: string): number | undefined {
  try {
    return parseDuration(written);
  } catch {
    return undefined;
  }
}

const dollars = (what: string, example: number) => {
  const expected = `dollars a month from 0 to 1000 such as ${example}`;
  return maybe(
    z
      .number(expected)
      .check(z.gte(0, expected), z.lte(1000, expected))
      .register(notes, { description: `What ${what} costs a month.`, examples: [example], default: example }),
  );
};

const prices = section(
  {
    asOf: maybe(
      text(/^\d{4}-(0[1-9]|1[0-2])(-\d\d)?$/, "a month or a day such as 2026-09", {
        description: "When these prices were looked up.",
        examples: ["2026-09"],
        default: "2026-09",
      }),
    ),
    metric: dollars("a custom metric", 0.3),
    alarm: dollars("an alarm", 0.1),
    dashboard: dollars("a dashboard", 3),
  },
  { description: "Prices for the cost that `alarms plan` tells; without them list prices of us-east-1." },
);

const addresses = z
  .array(
    text(/^[^\s@]{1,64}@[^\s@]+\.[^\s@]+$/, "an e-mail address", {
      description: "One address.",
      examples: ["ops@example.com"],
    }),
    "a list of e-mail addresses",
  )
  .check(
    z.maxLength(20, "at most 20 addresses"),
    z.refine((list) => new Set(list).size === list.length, "each address once"),
  )
  .register(notes, {
    description: "Addresses to subscribe to the topic; each must follow the link that it is sent.",
    examples: [["ops@example.com"]],
  });

/** Alarms, which `ec2-backup alarms` makes; a run has nothing to do with them. */
export const alarms = section(
  {
    topic: maybe(topic),
    createTopic: maybe(
      text(/^[\w-]{1,256}$/, "a topic name of letters, digits, - and _", {
        description: "The name of a topic that `alarms apply` makes, if there is none of that name.",
        examples: ["ec2-backup"],
      }),
    ),
    email: maybe(addresses),
    slowerThan: maybe(slowerThan),
    prices: maybe(prices),
  },
  { description: "Alarms in CloudWatch and who is told; see `ec2-backup alarms plan`." },
);

/** Faults of alarms that only show when two of their keys are seen together. */
export function alarmContradictions(file: unknown, context: z.core.$RefinementCtx): void {
  const { alarms: given } = (file ?? {}) as { readonly alarms?: unknown };
  if (typeof given !== "object" || given === null) return;
  const { topic, createTopic, email } = given as Readonly<Record<string, unknown>>;
  const report = (key: string, message: string, found: string) =>
    context.addIssue({ code: "custom", path: ["alarms", key], message, params: { found } });
  if (topic !== undefined && createTopic !== undefined) {
    report("createTopic", "either topic or createTopic", "both");
  }
  if (email !== undefined && topic === undefined && createTopic === undefined) {
    report("email", "a topic or createTopic beside it, which the addresses subscribe to", "neither");
  }
}
