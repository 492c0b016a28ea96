import type { MetricName, MetricOutput } from "../core/metrics.ts";

/** When a notice is published. */
export const noticeOccasions = ["failure", "always"] as const;

/** What is said of metrics beyond namespace and dimensions; what is absent is as {@link outputDefaults} say. */
export interface OutputSettings {
  readonly output?: MetricOutput | readonly MetricOutput[];
  /** These metrics alone; absent = all. */
  readonly only?: readonly MetricName[];
  readonly perVolume?: boolean;
  readonly emf?: {
    /** `tcp://host:port` or `udp://host:port`; absent = AWS_EMF_AGENT_ENDPOINT or the agent's usual one. */
    readonly endpoint?: string;
    readonly file?: string;
    readonly logGroup?: string;
  };
  readonly prometheus?: { readonly directory?: string };
}

/** Who is told directly. */
export interface NotifySettings {
  /** The ARN of an SNS topic. */
  readonly topic?: string;
  /** When the topic is told. */
  readonly on?: (typeof noticeOccasions)[number];
  readonly ping?: {
    /** A secret, as what the file holds is. */
    readonly url?: string;
    readonly urlFile?: string;
    /** Milliseconds for all tries of one ping. */
    readonly timeout?: number;
  };
}

export const outputDefaults = {
  output: "cloudwatch",
  endpoint: "tcp://127.0.0.1:25888",
  // Where Debian's prometheus-node-exporter looks.
  directory: "/var/lib/prometheus/node-exporter",
  on: "failure",
  pingTimeout: 10_000,
} as const;

/** The outputs that are chosen. */
export function outputsOf({ output }: Pick<OutputSettings, "output"> = {}): readonly MetricOutput[] {
  return [output ?? outputDefaults.output].flat();
}

/** What a CloudWatch agent is called by; the same words as its own `service_address`. */
export const emfEndpoint = /^(?:tcp|udp):\/\/(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\]):\d{1,5}$/i;

/** The characters that CloudWatch Logs has for the name of a log group. */
export const logGroup = /^[\w\-/.#]{1,512}$/;

/** A standard topic: CloudWatch and e-mail know no others. */
export const topicArn = /^arn:aws[\w-]*:sns:[a-z]{2}[a-z-]*-\d:\d{12}:[\w-]{1,256}$/;
