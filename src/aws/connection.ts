import { CloudWatchClient, type CloudWatchClientConfig } from "@aws-sdk/client-cloudwatch";
import { EC2Client, type EC2ClientConfig } from "@aws-sdk/client-ec2";
import { credentialsFor } from "./credentials.ts";
import { noteServiceClock } from "./service-clock.ts";
import { sendOnce } from "./single-attempt.ts";

/**
 * The agents of Node's HTTP clients to go by, made when the first request is. `patience` is for the way to who
 * answers, in milliseconds. Never fails: what is wrong with the way is told by the request.
 */
export type Route = (patience: number) => Promise<object>;

/** How to reach AWS. The endpoints and profiles are those of the SDK's standard environment. */
export interface ConnectionOptions {
  readonly region: string;
  /** Product, version and run id: CloudTrail shows them beside each call. */
  readonly userAgent: readonly (readonly [string, string])[];
  /** Milliseconds for one attempt of a request. */
  readonly requestTimeout: number;
  /** Absent where nothing stands between: the SDK reads no proxy and no AWS_CA_BUNDLE from the environment. */
  readonly route: Route | undefined;
  /** Other than those of the SDK's chain. */
  readonly credentials?: Credentials;
  /** Called after each page of a long listing, when what is kept of it is small and the page is garbage. */
  readonly pageRead?: () => void;
}

export interface Connection {
  readonly ec2: EC2Client;
  readonly requestTimeout: number;
  readonly pageRead?: () => void;
}

type SharedConfig = EC2ClientConfig & CloudWatchClientConfig;

/** Credentials that a client has already, for others beside it. */
export type Credentials = Connection["ec2"]["config"]["credentials"];

/** One client for discovery and capture, so that the capture finds its connection and credentials warm. */
export function connect(options: ConnectionOptions): Connection {
  return connected(options, clientConfig(options));
}

/** EC2 of another Region, with the credentials that are already there. */
export function connectBeside(options: ConnectionOptions, { ec2 }: Connection): Connection {
  return connected(options, { ...clientConfig(options), credentials: ec2.config.credentials });
}

function connected({ requestTimeout, pageRead }: ConnectionOptions, config: SharedConfig): Connection {
  const ec2 = unlogged(new EC2Client(config));
  sendOnce(ec2);
  noteServiceClock(ec2);
  return { ec2, requestTimeout, ...(pageRead && { pageRead }) };
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
export function clientConfig(options: ConnectionOptions): SharedConfig {
  const { region, requestTimeout, route } = options;
  const { requestHandler, ...rest } = requestConfig(options);
  const more = route === undefined ? {} : { requestHandler };
  return {
    ...rest,
    requestHandler,
    credentials: options.credentials ?? credentialsFor(region, requestTimeout, more),
  };
}

/** The same without credentials. */
export function requestConfig({ region, userAgent, requestTimeout, route }: ConnectionOptions) {
  const waits = {
    connectionTimeout: Math.min(5_000, requestTimeout),
    requestTimeout,
    socketTimeout: requestTimeout,
    // Without this the SDK only warns and goes on waiting.
    throwOnRequestTimeout: true,
  };
  // A way that is longer says itself what is wrong with it, before the SDK says that nobody answers.
  const patience = waits.connectionTimeout * 0.8;
  // The SDK takes a function as well (NodeHttpHandler.create), which its types do not say.
  const requestHandler = (
    route === undefined ? waits : async () => ({ ...waits, ...(await route(patience)) })
  ) as typeof waits;
  return {
    region,
    customUserAgent: userAgent.map(([name, value]) => [name, value] as [string, string]),
    requestHandler,
  };
}
