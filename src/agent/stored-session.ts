import { hostname } from "node:os";
import { repositoriesOf } from "../config/repositories.ts";
import { resolve } from "../config/resolve.ts";
import { BackupError, sentenceOf } from "../core/errors.ts";
import { instanceArn } from "../core/instance.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { BareRepository, PointQuery } from "../core/restore-query.ts";
import { storedPoints } from "../core/store-point.ts";
import type { RepositoryConfig, Store } from "../core/store-ports.ts";
import { holdingSkewed } from "../core/store-skew.ts";
import { type AskedRepository, type OwnNames, ofMachine, repositoriesToAsk } from "../core/stored-choice.ts";
import { ListingCache } from "../host/listing-cache.ts";
import { type RestoreOptions, zoneOf } from "./restore-session.ts";
import { openStore } from "./store-world.ts";
import { absolutePath } from "./working-directory.ts";

/** The repositories that restores read, and what was found out about them. */
export interface StoredSession {
  readonly repositories: readonly RepositoryConfig[];
  readonly options: RestoreOptions;
  readonly zone: string;
  readonly cache: ListingCache;
  /** An opened one, by its name. */
  store(name: string, signal: AbortSignal): Promise<Store>;
}

/** The stored points that were asked for, and which repositories could not be read. */
export interface StoredFound {
  /** Of one machine or of several; newest first. */
  readonly points: readonly RecoveryPoint[];
  /** Repositories of which nothing is known, not even by a mirror. */
  readonly failures: readonly BackupError[];
  /** What stood in for what, in words. */
  readonly notes: readonly string[];
  /** What this host calls itself, where that was asked for and is known. */
  readonly own?: OwnNames;
}

/** How a repository is called that the command line names. */
const bareName = "given";

/** Milliseconds for which a repository that has a mirror may say nothing. */
const patience = 60_000;
/** Milliseconds for asking the machine what it is. */
const identityTimeout = 2_000;

/** The repositories of the configuration, or the one of the command line; absent where there are none. */
export function storedSession(query: PointQuery, options: RestoreOptions): StoredSession | undefined {
  const repositories = query.bare === undefined ? configured(options) : [bareOf(query.bare)];
  if (repositories.length === 0) return undefined;
  const ground = { repositories, self: options.self, stateDirectory: options.stateDirectory };
  const stores = new Map<string, Promise<Store>>();
  return {
    repositories,
    options,
    zone: zoneOf(options),
    cache: new ListingCache(`${options.stateDirectory}/cache/listings`),
    store(name, signal) {
      const known = stores.get(name) ?? openStore(name, ground, signal);
      stores.set(name, known);
      return known;
    },
  };
}

function configured({ loaded, flags }: RestoreOptions): readonly RepositoryConfig[] {
  if (loaded.ok !== true) return [];
  return repositoriesOf(resolve({ tags: {}, flags, file: loaded.file }).settings).map((one) =>
    one.mirror === undefined ? one : { ...one, idleTimeout: Math.min(one.idleTimeout, patience) },
  );
}

function bareOf({ url, passwordFile, environmentFile, cacert, options }: BareRepository): RepositoryConfig {
  const minute = 60_000;
  return {
    name: bareName,
    // restic is started in another directory than this program. What has a colon is no path of this host.
    url: url.includes(":") ? url : absolutePath(url),
    password: { file: absolutePath(passwordFile) },
    ...(cacert === undefined ? {} : { cacert: absolutePath(cacert) }),
    options,
    ...(environmentFile === undefined ? {} : { environmentFile: absolutePath(environmentFile) }),
    // Whoever recovers a host has come to read.
    appendOnly: true,
    lockWait: minute / 2,
    idleTimeout: 10 * minute,
    deadline: 24 * 60 * minute,
  };
}

/** Lists the points of the machine that is meant, from mirrors where repositories cannot be read. */
export async function findStored(
  query: PointQuery,
  session: StoredSession,
  signal: AbortSignal,
): Promise<StoredFound> {
  const asked = repositoriesToAsk(session.repositories, query.repository);
  const answers = await Promise.all(asked.map((one) => pointsOf(one, session, signal)));
  const all = new Map<string, RecoveryPoint>();
  for (const point of answers.flatMap(({ points }) => points))
    if (!all.has(point.id)) all.set(point.id, point);
  const own =
    query.instance === undefined ? await ownNames([...all.values()], query, session, signal) : undefined;
  return {
    ...(own && { own }),
    points: ofMachine([...all.values()], query.instance, own).toSorted(newestFirst),
    failures: answers.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
    notes: answers.flatMap(({ note }) => (note === undefined ? [] : [note])),
  };
}

const newestFirst = (a: RecoveryPoint, b: RecoveryPoint): number =>
  b.captured.getTime() - a.captured.getTime();

interface Answer {
  readonly points: readonly RecoveryPoint[];
  readonly failure?: BackupError;
  readonly note?: string;
}

async function pointsOf(
  { name, mirror }: AskedRepository,
  session: StoredSession,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    return { points: await listedIn(name, session, signal) };
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    if (mirror === undefined) return { points: [], failure: name === bareName ? ofBare(error) : error };
    const note = standsIn(name, mirror, error);
    session.options.log("warn", note);
    try {
      return { points: await listedIn(mirror, session, signal), note };
    } catch (second) {
      if (!(second instanceof BackupError) || second.kind === "interrupted") throw second;
      const { kind, doing, found, remedy } = error;
      const also = `${found}; nor can its mirror ${mirror} be read: ${second.found}`;
      return {
        points: [],
        failure: new BackupError({ kind, doing, found: also, ...(remedy === undefined ? {} : { remedy }) }),
      };
    }
  }
}

/** Who has come to restore is not told to make an empty repository, and none of that name could be made. */
function ofBare(error: BackupError): BackupError {
  if (error.code !== "NoRepository") return error;
  const { kind, doing, found, code } = error;
  const remedy = "see whether its address is right, and its disk mounted";
  return new BackupError({ kind, doing, found, remedy, code }, { cause: error });
}

/** What is told of a mirror that is read in the place of its source. */
export function standsIn(name: string, mirror: string, error: BackupError): string {
  return `the mirror ${mirror} is read, since the repository ${name} is not to be read: ${sentenceOf(error)}`;
}

/** The points of one repository; those dated with a time that cannot be are held. */
export async function listedIn(
  name: string,
  session: StoredSession,
  signal: AbortSignal,
): Promise<readonly RecoveryPoint[]> {
  const store = await session.store(name, signal);
  const snapshots = await store.snapshots([], signal);
  const points = storedPoints(snapshots, { repository: name });
  return holdingSkewed(points, snapshots, { now: new Date(), longest: store.config.deadline });
}

/** Absent where it does not matter or cannot be known. */
async function ownNames(
  points: readonly RecoveryPoint[],
  { bare }: PointQuery,
  { options }: StoredSession,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  // A bare machine is another one than the one that was saved.
  if (bare !== undefined) return undefined;
  const { loaded } = options;
  const named = loaded.ok === true ? loaded.file.config.host?.name : undefined;
  if (named !== undefined) return [`host/${named}`];
  const { lastHost } = await import("./elsewhere.ts");
  const byHost = `host/${(await lastHost(options.stateDirectory)) ?? hostname()}`;
  if (points.length === 0 || points.some(({ instanceArn }) => instanceArn === byHost)) return [byHost];
  try {
    const { identify } = await import("./session.ts");
    const { partition, region, account, instanceId } = await identify(identityTimeout, signal);
    return [instanceArn({ partition, region, account, instanceId }), byHost];
  } catch (error) {
    if (error instanceof BackupError && error.kind === "interrupted") throw error;
    return [byHost];
  }
}
