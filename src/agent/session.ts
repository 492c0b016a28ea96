import { createHash } from "node:crypto";
import { runJob } from "../actions/run-job.ts";
import type { RunDeps, RunRequest } from "../actions/run-request.ts";
import type { Progress } from "../actions/settle.ts";
import { cloudWatchSink } from "../aws/cloudwatch.ts";
import { type Connection, type ConnectionOptions, connect, connectCloudWatch } from "../aws/connection.ts";
import { discover } from "../aws/discover.ts";
import { type Identity, readIdentity } from "../aws/metadata.ts";
import { readUserData } from "../aws/user-data.ts";
import { leftOutByTags } from "../config/backup-tag.ts";
import type { Settings } from "../config/defaults.ts";
import type { ImageEngine } from "../core/image-ports.ts";
import type { Discovery } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { SnapshotLocks } from "../core/lock-ports.ts";
import type { Engine, Locks, Log, MetricSink } from "../core/ports.ts";
import type { RunReport } from "../core/report.ts";
import type { StoreProgress } from "../core/store-ports.ts";
import { dryRun } from "../engines/dry-run.ts";
import { ebsEngine, type UserDataSource } from "../engines/ebs.ts";
import { systemClock } from "../host/clock.ts";
import { nvmeInstanceStores } from "../host/instance-stores.ts";
import { fileLocks } from "../host/lock.ts";
import { StateDirectory } from "../host/state.ts";
import { uuidV7 } from "../host/uuid.ts";
import { routeOf } from "./route.ts";
import { type HostProcess, thisHost } from "./this-host.ts";

/** What a session with AWS needs to know of its process. */
export interface SessionOptions {
  readonly version: string;
  readonly stateDirectory: string;
  readonly self: HostProcess;
  /** Told to others who find a lock taken. */
  readonly owner: string;
  readonly log: Log;
  readonly progress: Progress;
  readonly storing?: (source: string, progress: StoreProgress) => void;
}

/** This machine as AWS knows it, and the ways to reach what backs it up. */
export interface Session {
  readonly run: string;
  readonly identity: Identity;
  readonly discovery: Discovery;
  readonly state: StateDirectory;
  readonly engine: Engine;
  /** What knows images; loaded where there are some. */
  readonly images: () => Promise<ImageEngine>;
  /** For others who ask AWS, so that they need no credentials of their own. */
  readonly connection: Connection;
  /** Runs one job; hands are tied if the request is planned. `settings` name the repositories, `change` makes another world of it. */
  readonly perform: (
    request: Omit<RunRequest, "run" | "discovery">,
    settings: Settings,
    signal: AbortSignal,
    change?: (deps: RunDeps) => RunDeps,
  ) => Promise<RunReport>;
  /** True where CloudWatch cannot be reached: outside EC2, where no Region is known. */
  readonly unheard?: boolean;
  readonly metrics: (namespace: string) => MetricSink;
}

export const newRunId = (): string => uuidV7(Date.now());

/** Asks the instance metadata who we are. */
export function identify(requestTimeout: number, signal: AbortSignal): Promise<Identity> {
  return readIdentity(requestTimeout, signal);
}

/** How this run reaches AWS; CloudTrail shows product, version and run beside each call. */
export function connectionOptions(
  identity: Identity,
  { version, self }: Pick<SessionOptions, "version" | "self">,
  run: string,
): Omit<ConnectionOptions, "requestTimeout"> {
  return {
    region: identity.region,
    route: routeOf(self.env),
    userAgent: [
      ["ec2-backup-agent", version],
      ["run", run],
    ],
  };
}

/** CloudWatch for reports of runs that came no further than the identity. */
export function metricsFor(
  identity: Identity,
  from: Pick<SessionOptions, "version" | "self">,
  run: string,
  namespace: string,
  requestTimeout: number,
): MetricSink {
  const options = { ...connectionOptions(identity, from, run), requestTimeout };
  return cloudWatchSink(connectCloudWatch(options, connect(options)), namespace, requestTimeout);
}

/** Finds the instance and its volumes and wires what the commands use. */
export async function openSession(
  identity: Identity,
  run: string,
  requestTimeout: number,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  const connecting = { ...connectionOptions(identity, options, run), requestTimeout };
  const connection = connect(connecting);
  const [found, stores, state] = await Promise.all([
    discover(connection, identity, signal),
    nvmeInstanceStores("/sys"),
    StateDirectory.open(options.stateDirectory, identity.instanceId),
  ]);
  const discovery = { ...found, instanceStores: [...new Set([...found.instanceStores, ...stores])] };
  return {
    run,
    identity,
    discovery,
    state,
    engine: ebsEngine(connection, options.version),
    images: () => imagesOf(connection, options.version, () => Promise.resolve(undefined)),
    connection,
    perform: async (request, settings, stop, change = (deps) => deps) => {
      const userData = userDataOf(connection, identity);
      const engine = await engineOf(
        request.job,
        ebsEngine(connection, options.version, userData),
        connection,
        options,
      );
      const stores = async () => {
        const { storesOf } = await import("./stores.ts");
        const { instanceId: host, region } = identity;
        return storesOf(settings, { ...options, host, region, planned: request.planned });
      };
      const deps = {
        ...(request.planned
          ? tied(engine, connection, userData, options)
          : wired(engine, connection, userData, state, options)),
        stores,
      };
      return runJob({ ...request, run, discovery }, change(deps), stop);
    },
    metrics: (namespace) =>
      cloudWatchSink(connectCloudWatch(connecting, connection), namespace, connecting.requestTimeout),
  };
}

/** What captures for a job; that of VSS is loaded for jobs that have it. */
async function engineOf(
  { vss }: Job,
  plain: Engine,
  connection: Connection,
  { version, self }: SessionOptions,
): Promise<Engine> {
  if (vss === undefined) return plain;
  const { vssEngine } = await import("../engines/ebs-vss.ts");
  return vssEngine(plain, { mode: vss, connection, version, clock: systemClock, platform: self.platform });
}

/** What a run goes by that changes something. */
export function wired(
  engine: Engine,
  connection: Connection,
  userData: UserDataSource,
  state: StateDirectory,
  options: SessionOptions,
): Omit<RunDeps, "stores"> {
  return {
    ...common(options),
    engine,
    images: () => imagesOf(connection, options.version, userData),
    snapshotLocks: () => locksOf(connection),
    copies: async (region) => (await import("./copy-region.ts")).copyRegionOf(region, connection, options),
    locks: owned(fileLocks(`${options.stateDirectory}/locks`), options.owner),
    journal: state.journal(),
    audit: state.audit(),
  };
}

/** For plans: reads as the real thing does, and neither locks nor writes. */
export function tied(
  engine: Engine,
  connection: Connection,
  userData: UserDataSource,
  options: SessionOptions,
): Omit<RunDeps, "stores"> {
  return {
    ...common(options),
    engine: dryRun(engine, options.version),
    images: async () => {
      const { dryImages } = await import("../engines/dry-images.ts");
      return dryImages(await imagesOf(connection, options.version, userData));
    },
    snapshotLocks: () => locksOf(connection),
    copies: async (region) => (await import("./copy-region.ts")).copyRegionOf(region, connection, options),
    locks: { take: () => Promise.resolve({ release: () => Promise.resolve() }) },
    journal: {
      begin: () => Promise.resolve(),
      unfinished: () => undefined,
      marksOf: () => new Map(),
      storing: () => Promise.resolve(),
      stored: () => Promise.resolve(),
      unjudged: () => [],
    },
    audit: { append: () => Promise.resolve() },
  };
}

async function locksOf(connection: Connection): Promise<SnapshotLocks> {
  const { snapshotLocks } = await import("../aws/lock-snapshots.ts");
  return snapshotLocks(connection);
}

async function imagesOf(
  connection: Connection,
  version: string,
  userData: UserDataSource,
): Promise<ImageEngine> {
  const { ebsImages } = await import("../engines/ebs-images.ts");
  return ebsImages(connection, ebsEngine(connection, version), version, userData);
}

/** Read when a capture is prepared; what reads it whole is loaded only where it is asked for. */
function userDataOf(connection: Connection, { metadata }: Identity): UserDataSource {
  return async (whole) => {
    const bytes = metadata && (await readUserData(connection, metadata));
    if (bytes === undefined) return undefined;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const facts = { sha256, length: bytes.length };
    if (!whole || bytes.length === 0) return facts;
    const { packed } = await import("../host/packed.ts");
    return { ...facts, content: packed(bytes) };
  };
}

function common({ log, progress, self, stateDirectory }: SessionOptions) {
  return {
    clock: systemClock,
    host: thisHost(self, stateDirectory),
    log,
    progress,
    newId: newRunId,
    leftOutByTag: (volume: { tags: Discovery["instance"]["tags"] }) => leftOutByTags(volume.tags),
  };
}

function owned(locks: Locks, owner: string): Locks {
  return { take: (job, run) => locks.take(job, `${owner}, ${run}`) };
}
