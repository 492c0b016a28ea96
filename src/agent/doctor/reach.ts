import { type Connection, type ConnectionOptions, connect, type Route } from "../../aws/connection.ts";
import { discover } from "../../aws/discover.ts";
import { awsFailure } from "../../aws/failure.ts";
import { type Identity, readIdentity } from "../../aws/metadata.ts";
import { rehearsalsOf } from "../../aws/rehearsals.ts";
import { failureOf } from "../../core/errors.ts";
import { NotTestable } from "../../core/finding.ts";
import type { Discovery } from "../../core/instance.ts";
import type { Engine, Listing } from "../../core/ports.ts";
import type { CredentialFacts } from "../../core/session-facts.ts";
import { ebsEngine } from "../../engines/ebs.ts";
import { systemClock } from "../../host/clock.ts";
import { uuidV7 } from "../../host/uuid.ts";
import { once, orNotTestable } from "./sharing.ts";

/** Codes that say nothing of a permission: whoever asked is not believed to be anybody. */
const ofCredentials =
  /Expired|^InvalidClientTokenId$|^InvalidAccessKeyId$|^UnrecognizedClient|^AuthFailure$|Signature/;

/** How AWS is reached, once the instance is known. */
export interface Reach {
  readonly identity: Identity;
  readonly options: ConnectionOptions;
  readonly connection: Connection;
  readonly engine: Engine;
  /** Whether EC2 takes notice of DryRun, if that is known: where it does not, nothing may be asked that way. */
  readonly dryRun: boolean | undefined;
}

/** What AWS tells of the instance; found out once, when it is first asked for. */
export interface Aws {
  /** Fails as the metadata service does; for the check that reports it. */
  identity(): Promise<Identity>;
  /** As far as it is known by now. */
  instanceId(): string | undefined;
  /** Fails as the chain of credentials does; for the check that reports it. */
  credentials(): Promise<CredentialFacts & Pick<Reach, "dryRun">>;
  /** Not testable where the instance is unknown. Nothing was asked of AWS yet. */
  unsigned(what: string): Promise<Omit<Reach, "dryRun">>;
  /** Not testable where the instance is unknown, or without credentials that are good. */
  reach(what: string): Promise<Reach>;
  /** Fails as EC2 does; for the check that reports it. */
  discovery(): Promise<Discovery>;
  /** Not testable where the instance's volumes and tags are unknown. */
  found(what: string): Promise<Discovery>;
  /** The points of this instance. */
  points(what: string): Promise<Listing>;
}

interface From {
  readonly version: string;
  readonly timeout: number;
  readonly deadline: number;
  readonly route: Route | undefined;
}

/** `timeout` is for one request, `deadline` for a check. Milliseconds. */
export function awsOf({ version, timeout, deadline, route }: From, signal: AbortSignal): Aws {
  let id: string | undefined;
  const identity = once(async () => {
    const found = await readIdentity(timeout, signal);
    id = found.instanceId;
    return found;
  });
  const reached = once(async () => unsignedReach(await identity(), version, timeout, route));
  const or = orNotTestable(deadline);
  const unsigned = (what: string) => or(reached, what, "the instance metadata did not tell who we are");
  const credentials = once(async () => credentialsOf((await unsigned("the credentials")).connection, signal));
  const reach = async (what: string): Promise<Reach> => {
    const { connection, ...more } = await unsigned(what);
    const { left = 1, dryRun } = await or(credentials, what, "there are no credentials that AWS takes");
    if (left <= 0) throw new NotTestable(what, "the credentials have expired");
    return { connection, ...more, dryRun };
  };
  const discovery = once(async () => {
    const { connection, identity: self } = await reach("the instance's tags and volumes");
    return discover(connection, self, signal);
  });
  const found = (what: string) => or(discovery, what, "the instance's volumes and tags could not be read");
  const listing = once(async () => {
    const { engine } = await reach("the points");
    const { instance } = await found("the points");
    return engine.list({ instanceArn: instance.arn }, signal);
  });
  const points = (what: string) => or(listing, what, "the instance's snapshots could not be listed");
  return { identity, instanceId: () => id, unsigned, credentials, reach, discovery, found, points };
}

function unsignedReach(
  identity: Identity,
  version: string,
  requestTimeout: number,
  route: Route | undefined,
): Omit<Reach, "dryRun"> {
  const options: ConnectionOptions = {
    region: identity.region,
    userAgent: [
      ["ec2-backup-agent", version],
      ["doctor", uuidV7(Date.now())],
    ],
    requestTimeout,
    route,
  };
  const connection = connect(options);
  return { identity, options, connection, engine: ebsEngine(connection, version) };
}

/** Whether AWS takes the credentials shows at a first request; it is one that reads, as a dry run. */
async function credentialsOf(
  connection: Connection,
  signal: AbortSignal,
): Promise<CredentialFacts & Pick<Reach, "dryRun">> {
  const doing = "get credentials";
  try {
    const { accessKeyId, sessionToken, expiration } = await connection.ec2.config.credentials();
    const left = expiration === undefined ? {} : { left: expiration.getTime() - Date.now() };
    const dryRun = await honoured(connection, signal);
    return { accessKeyId, temporary: sessionToken !== undefined, ...left, dryRun };
  } catch (error) {
    throw awsFailure(error, doing);
  }
}

/** What is not about the credentials is another check's to tell. */
async function honoured(connection: Connection, signal: AbortSignal): Promise<boolean | undefined> {
  const answered = new AbortController();
  const stop = AbortSignal.any([signal, answered.signal]);
  const late = systemClock.sleep(connection.requestTimeout, stop).then(() => undefined);
  try {
    return await Promise.race([rehearsalsOf(connection).honoured(signal), late]);
  } catch (error) {
    const { kind, code = "" } = failureOf(error, "ask for a dry run");
    if (ofCredentials.test(code)) throw error;
    // A denial is an answer to a dry run as well.
    return kind === "denied" ? true : undefined;
  } finally {
    answered.abort();
  }
}
