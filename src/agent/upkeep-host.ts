import os from "node:os";
import type { Identity } from "../aws/metadata.ts";
import { instanceArn } from "../core/instance.ts";
import { lastInstance } from "../host/state.ts";
import { writtenSettings } from "./configuration.ts";
import { inForce } from "./in-force.ts";
import type { AgentOptions } from "./wish.ts";

/** This host as its repositories know it. */
export interface UpkeepHost {
  /** The instance id, or a name outside EC2: the `Server` of metrics, and where the state lies. */
  readonly id: string;
  /** What the series of its points begin with; absent where nobody can tell. */
  readonly arn?: string;
  /** For CloudWatch and S3; absent where no Region is known. */
  readonly identity?: Identity;
}

/** Milliseconds for the instance metadata, which answers at once or is not there. */
const patience = 3_000;

/** Who this host is. Upkeep needs no AWS: without an answer of the metadata the last known id or name stands. */
export async function upkeepHost(
  options: Pick<AgentOptions, "loaded" | "stateDirectory">,
  signal: AbortSignal,
): Promise<UpkeepHost> {
  const { loaded, stateDirectory } = options;
  const { host } = writtenSettings(loaded);
  if (host !== undefined) return named(host.name);
  const { identify } = await import("./session.ts");
  const short = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  const identity = await identify(patience, short).catch(() => undefined);
  if (identity !== undefined) return { id: identity.instanceId, arn: instanceArn(identity), identity };
  const last = await lastInstance(stateDirectory);
  if (last !== undefined) return { id: last };
  const { guessedName } = await import("./elsewhere.ts");
  const { jobs } = inForce({ loaded, tags: {}, flags: {} });
  return named((await guessedName(options, jobs)) ?? os.hostname());
}

async function named(name: string): Promise<UpkeepHost> {
  const { identityOf } = await import("./elsewhere.ts");
  const identity = await identityOf(name);
  return { id: name, arn: `host/${name}`, ...(identity.region === "" ? {} : { identity }) };
}
