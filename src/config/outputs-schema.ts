import * as z from "zod/mini";
import { metricOutputs, metricTable } from "../core/metrics.ts";
import { isPingUrl, namesJob } from "../core/ping-address.ts";
import { duration, exactlyOne, notes, oneOf, section, text, yesOrNo } from "./fields.ts";
import { path } from "./hook-fields.ts";
import {
  emfEndpoint,
  logGroup,
  noticeOccasions,
  type OutputSettings,
  outputDefaults,
  outputsOf,
  topicArn,
} from "./outputs.ts";

const maybe = z.exactOptional;

const metricNames = Object.keys(metricTable) as [keyof typeof metricTable, ...(keyof typeof metricTable)[]];

const one = oneOf(metricOutputs, { description: "One output.", examples: ["cloudwatch"] });

function list<Item extends z.core.$ZodType>(item: Item, expected: string) {
  return z.array(item, expected).check(
    z.minLength(1, expected),
    z.refine((given) => new Set(given).size === given.length, "each of them once"),
  );
}

/** What the section `metrics` has beside namespace and dimensions. */
export const metricOutputFields = {
  output: maybe(
    z
      .union(
        [one, list(one, `a list of ${metricOutputs.join(", ")}`)],
        `one of ${metricOutputs.join(", ")}, or a list of them`,
      )
      .register(notes, {
        description: "Where metrics go: to CloudWatch, in its embedded metric format, or to node_exporter.",
        examples: ["cloudwatch", ["cloudwatch", "prometheus"]],
        default: outputDefaults.output,
      }),
  ),
  only: maybe(
    list(
      oneOf(metricNames, { description: "One metric.", examples: ["Errors"] }),
      `a list of ${metricNames.join(", ")}`,
    ).register(notes, {
      description: "These metrics alone; without it all of them. Each costs money in CloudWatch.",
      examples: [["ElapsedTime", "Size", "Errors"]],
    }),
  ),
  perVolume: maybe(
    yesOrNo({
      description:
        "Size and age also for each volume, by the dimension Drive: two metrics more a volume, which cost money.",
      examples: [false],
      default: false,
    }),
  ),
  emf: maybe(
    section(
      {
        endpoint: maybe(
          text(emfEndpoint, "an address such as tcp://127.0.0.1:25888", {
            description: "The CloudWatch agent; without it the environment's AWS_EMF_AGENT_ENDPOINT.",
            examples: [outputDefaults.endpoint],
            default: outputDefaults.endpoint,
          }),
        ),
        file: maybe(path("A file to append to, instead of an endpoint.", "/var/log/ec2-backup/metrics.emf")),
        logGroup: maybe(
          text(logGroup, "the name of a log group", {
            description: "The log group that the CloudWatch agent is to use.",
            examples: ["ec2-backup"],
          }),
        ),
      },
      { description: "The output emf." },
    ),
  ),
  prometheus: maybe(
    section(
      {
        directory: maybe(
          text(/^(?:\/|[A-Za-z]:[\\/]).{0,4096}$/, "an absolute path", {
            description: "The directory of node_exporter's textfile collector.",
            examples: [outputDefaults.directory],
            default: outputDefaults.directory,
          }),
        ),
      },
      { description: "The output prometheus." },
    ),
  ),
};

const pingUrl = "an http:// or https:// URL";

/** Who is told of each run directly, without a metric and an alarm in between. */
export const notify = section(
  {
    topic: maybe(
      text(topicArn, "the ARN of a standard SNS topic", {
        description: "An SNS topic that gets a readable message.",
        examples: ["arn:aws:sns:eu-central-1:123456789012:backups"],
      }),
    ),
    on: maybe(
      oneOf(noticeOccasions, {
        description: "When the topic is told: of what went wrong, or of every run.",
        examples: ["failure"],
        default: outputDefaults.on,
      }),
    ),
    ping: maybe(
      section(
        {
          url: maybe(
            z
              .string(pingUrl)
              .check(
                z.superRefine((value, context) => {
                  // Whoever knows the address can ping: it is never shown.
                  const found = "something else";
                  if (!isPingUrl(value))
                    context.addIssue({ code: "custom", message: pingUrl, params: { found } });
                }),
              )
              .register(notes, {
                description:
                  "Pinged at /start, at itself after a good run, and at /fail. {job} and {server} stand for names.",
                examples: ["https://hc-ping.com/your-ping-key/{server}-{job}"],
              }),
          ),
          urlFile: maybe(
            path("A file that holds the URL alone, readable by its owner only.", "/etc/ec2-backup/ping-url"),
          ),
          timeout: maybe(
            duration("100ms", "60s", {
              description: "How long one ping may take, its second try included.",
              examples: ["10s"],
              default: "10s",
            }),
          ),
        },
        { description: "A service that expects a sign of life, in the manner of healthchecks.io." },
      ).check(exactlyOne({ url: true, urlFile: true })),
    ),
  },
  { description: "Who is told of a run directly." },
);

/** What does not go together in `metrics`: an output described that is not chosen, and one with two ends. */
export const metricContradictions = z.superRefine(
  (value: unknown, context) => {
    const metrics = mapping(value);
    const chosen = outputsOf(metrics as OutputSettings);
    for (const output of ["emf", "prometheus"] as const) {
      if (metrics[output] === undefined || chosen.includes(output)) continue;
      const message = `${output} among metrics.output, since it is described here`;
      context.addIssue({ code: "custom", path: [output], message, params: { found: chosen.join(", ") } });
    }
    const { endpoint, file } = mapping(metrics["emf"]);
    if (endpoint === undefined || file === undefined) return;
    const params = { found: "endpoint and file" };
    context.addIssue({ code: "custom", path: ["emf"], message: "one of endpoint, file", params });
  },
  { when: () => true },
);

/** One address for several jobs: the success of one would hide that another fails. */
export const sharedPing = z.superRefine(
  (value: unknown, context) => {
    const file = mapping(value);
    const { url } = mapping(mapping(file["notify"])["ping"]);
    if (typeof url !== "string" || !isPingUrl(url) || namesJob(url)) return;
    const jobs = Object.keys(mapping(file["jobs"]));
    if (jobs.length < 2) return;
    const message = "a URL with {job} in it, since one for several jobs lets a good one hide a bad one";
    const found = `one without it for ${jobs.length} jobs`;
    context.addIssue({ code: "custom", path: ["notify", "ping", "url"], message, params: { found } });
  },
  { when: () => true },
);

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
