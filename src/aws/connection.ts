import { CloudWatchClient, type CloudWatchClientConfig } from "@aws-sdk/client-cloudwatch";
import { EC2Client, type EC2ClientConfig } from "@aws-sdk/client-ec2";
import { credentialsFor } from "./credentials.ts";
import { noteServiceClock } from "./service-clock.ts";
import { sendOnce } from "./single-attempt.ts";

/** How to reach AWS. The endpoints, proxies and profiles are those of the SDK's standard environment. */
export interface ConnectionOptions {
  readonly region: string;
  /** Product, version and run id: CloudTrail shows them beside each call. */
  readonly userAgent: readonly (readonly [string, string])[];
  /** Milliseconds for one attempt of a request. */
  readonly requestTimeout: number;
}

export interface Connection {
  readonly ec2: EC2Client;
  readonly requestTimeout: number;
}

type SharedConfig = EC2ClientConfig & CloudWatchClientConfig;

/** Credentials that a client has already, for others beside it. */
export type Credentials = Connection["ec2"]["config"]["credentials"];

/** One client for discovery and capture, so that the capture finds its connection and credentials warm. */
export function connect(options: ConnectionOptions): Connection {
  const ec2 = unlogged(new EC2Client(clientConfig(options)));
  sendOnce(ec2);
  noteServiceClock(ec2);
  return { ec2, requestTimeout: options.requestTimeout };
}

/** CloudWatch is reached by a client of its own with the credentials that are already there. */
export function connectCloudWatch(options: ConnectionOptions, beside: Connection): CloudWatchClient {
  return unlogged(
    new CloudWatchClient({ ...clientConfig(options), credentials: beside.ec2.config.credentials }),
  );
}

/** The SDK copies each answer for its log, also where there is none: a tenth of what a long list costs. */
function unlogged<C extends EC2Client | CloudWatchClient>(client: C): C {
  client.middlewareStack.remove("loggerMiddleware");
  return client;
}

/** What every client of ours is made with. */
export function clientConfig({ region, userAgent, requestTimeout }: ConnectionOptions): SharedConfig {
  return {
    region,
    customUserAgent: userAgent.map(([name, value]) => [name, value] as [string, string]),
    credentials: credentialsFor(region, requestTimeout),
    requestHandler: {
      connectionTimeout: Math.min(5_000, requestTimeout),
      requestTimeout,
      socketTimeout: requestTimeout,
      // Without this the SDK only warns and goes on waiting.
      throwOnRequestTimeout: true,
    },
  };
}
