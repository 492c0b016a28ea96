import { readdir, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { runJob } from "../actions/run-job.ts";
import { cloudWatchSink } from "../aws/cloudwatch.ts";
import { connect, connectCloudWatch } from "../aws/connection.ts";
import type { Identity } from "../aws/metadata.ts";
import { configuredRegion } from "../aws/region.ts";
import { BackupError, failureOf } from "../core/errors.ts";
import type { Discovery } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { Problem } from "../core/report.ts";
import { notOfEc2, noVolumes } from "../engines/no-volumes.ts";
import { systemClock } from "../host/clock.ts";
import { lastInstance, StateDirectory } from "../host/state.ts";
import { inForce } from "./in-force.ts";
import { connectionOptions, type Session, type SessionOptions, tied, wired } from "./session.ts";
import type { AgentOptions } from "./wish.ts";

/** The directory of a host outside EC2, below that of the state; never one that an instance could have. */
const prefix = "host-";

/**
 * What a host outside EC2 is called, where the configuration does not say and the metadata service is out of reach: as
 * it was before, or as its system calls it. Nothing where it may be an instance after all, whose metadata service is
 * only in trouble: it was one before, or is asked for volumes. `jobs`: those that are to run.
 */
export async function guessedName(
  { stateDirectory, loaded }: Pick<AgentOptions, "stateDirectory" | "loaded">,
  jobs: readonly Job[],
  hostname = os.hostname(),
): Promise<string | undefined> {
  if ((await lastInstance(stateDirectory)) !== undefined) return undefined;
  const before = await lastHost(stateDirectory);
  // With a faulty file nobody knows what is asked for.
  if (loaded.ok === false) return before;
  const isOfFiles = jobs.length > 0 && jobs.every(({ stored }) => stored?.volumes === false);
  return isOfFiles ? (before ?? nameOf(hostname)) : undefined;
}

/** Takes a host whose metadata service is out of reach for one outside EC2, or throws the error. */
export async function elsewhereOr(
  error: unknown,
  options: AgentOptions,
  names: readonly string[],
): Promise<{ identity: Identity; elsewhere: true; notice: Problem }> {
  const { loaded, flags } = options;
  if (!(error instanceof BackupError) || error.kind !== "unreachable" || loaded.absent === true) throw error;
  const jobs = inForce({ loaded, tags: {}, flags }).jobs.filter(
    ({ name }) => names.length === 0 || names.includes(name),
  );
  const guessed = await guessedName(options, jobs);
  if (guessed === undefined) throw error;
  return { identity: await identityOf(guessed), elsewhere: true, notice: takenForHost(guessed, error) };
}

/** A host name as it may stand in series, tags and metrics. */
function nameOf(hostname: string): string {
  const name = hostname
    .replace(/[^\w.-]/g, "-")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "")
    .slice(0, 63);
  return name === "" ? "host" : name;
}

/** The host that last wrote its state here. */
export async function lastHost(directory: string): Promise<string | undefined> {
  const names = await readdir(directory).catch(() => []);
  const dated = await Promise.all(
    names
      .filter((name) => name.startsWith(prefix))
      .map(async (name) => ({ name, at: (await stat(path.join(directory, name))).mtimeMs })),
  );
  return dated.sort((a, b) => b.at - a.at)[0]?.name.slice(prefix.length);
}

/** What a host outside EC2 remembers. */
export function stateOfHost(stateDirectory: string, name: string): Promise<StateDirectory> {
  return StateDirectory.open(stateDirectory, `${prefix}${name}`);
}

/** The identity of a host outside EC2: its name, and the Region of its configuration for CloudWatch, if any. */
export async function identityOf(name: string): Promise<Identity> {
  const region = (await configuredRegion()) ?? "";
  return { instanceId: name, account: "", region, zone: "", partition: "", instanceStores: [] };
}

/** The session of a host outside EC2: no volumes, no request to EC2, and CloudWatch where a Region is known. */
export async function openElsewhere(
  identity: Identity,
  run: string,
  requestTimeout: number,
  options: SessionOptions,
): Promise<Session> {
  const { instanceId: name, region } = identity;
  const state = await stateOfHost(options.stateDirectory, name);
  const connecting = { ...connectionOptions(identity, options, run), requestTimeout };
  const engine = noVolumes(name, () => systemClock.now());
  const refuse = (doing: string): BackupError => notOfEc2(doing, name);
  const noConnection = {
    requestTimeout,
    get ec2(): never {
      throw refuse("ask EC2");
    },
  };
  const images = () => Promise.reject(refuse("look for images"));
  const discovery = discoveryOf(identity);
  return {
    run,
    identity,
    discovery,
    state,
    engine,
    images,
    connection: noConnection,
    ...(region === "" ? { unheard: true } : {}),
    async perform(request, settings, stop) {
      const noUserData = () => Promise.resolve(undefined);
      const base = request.planned
        ? tied(engine, noConnection, noUserData, options)
        : wired(engine, noConnection, noUserData, state, options);
      const stores = async () => {
        const { storesOf } = await import("./stores.ts");
        const { planned } = request;
        return storesOf(settings, { ...options, planned, host: name, ...(region === "" ? {} : { region }) });
      };
      return runJob({ ...request, run, discovery }, { ...base, images, stores }, stop);
    },
    metrics: (namespace) =>
      cloudWatchSink(connectCloudWatch(connecting, connect(connecting)), namespace, requestTimeout),
  };
}

function discoveryOf({ instanceId: name, region }: Identity): Discovery {
  return {
    instance: {
      id: name,
      arn: `host/${name}`,
      account: "",
      region,
      zone: "",
      name,
      type: "",
      rootDevice: "",
      tags: {},
    },
    volumes: [],
    instanceStores: [],
    elsewhere: true,
  };
}

/** Why it is taken for a host outside EC2, for who thinks that it is an instance. */
function takenForHost(name: string, error: unknown): Problem {
  const { found } = failureOf(error, "read the instance metadata");
  return {
    severity: "notice",
    kind: "unreachable",
    doing: "find out who this host is",
    found: `no metadata service answers, so it is ${name}, a host outside EC2 (${found})`,
    remedy: `say so in the configuration, and nobody asks any more: host: { name: ${name} }`,
    code: "HostName",
  };
}
