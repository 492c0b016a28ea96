import { failureOf } from "../core/errors.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Problem } from "../core/report.ts";
import { problemOf } from "../core/report.ts";
import type { StoredListing } from "../core/stored-ports.ts";
import type { Opened } from "./open.ts";
import { storesOf } from "./stores.ts";
import type { AgentOptions } from "./wish.ts";

/** What the repositories of the configuration hold of this host. */
export interface StoredSeen {
  /** Newest first; one that lies in a mirror too is that of its own repository. */
  readonly points: readonly RecoveryPoint[];
  /** The clock that judges each of them, by the repository. */
  readonly listings: ReadonlyMap<string, StoredListing>;
  /** Repositories that could not be asked: what they hold is not among the points. */
  readonly problems: readonly Problem[];
}

/** Asks all repositories of the configuration in force at once. */
export async function storedSeen(
  { session, force }: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<StoredSeen> {
  const { instance } = session.discovery;
  const { repositories = {} } = force.settings;
  const { region } = session.identity;
  const stores = storesOf(force.settings, {
    ...options,
    host: instance.id,
    planned: true,
    ...(region === "" ? {} : { region }),
  });
  const listings = new Map<string, StoredListing>();
  const problems: Problem[] = [];
  const ask = async (name: string) => {
    try {
      const store = await stores.open(name, signal);
      const engine = await stores.engine(store, signal);
      listings.set(name, await engine.list({ instanceArn: instance.arn }, signal));
    } catch (error) {
      const failure = failureOf(error, `ask the repository ${name}`);
      const found = `${failure.found}; what it holds is not told here`;
      problems.push(problemOf("error", { ...failure, doing: `ask the repository ${name}`, found }));
    }
  };
  await Promise.all(Object.keys(repositories).map(ask));
  const targets = new Set(Object.values(repositories).flatMap(({ mirror }) => mirror?.to ?? []));
  const byId = new Map<string, RecoveryPoint>();
  // Those of mirrors first, so that what the repository itself has takes their place.
  const ordered = [...listings].sort(([a], [b]) => Number(targets.has(b)) - Number(targets.has(a)));
  for (const [, { points }] of ordered) for (const point of points) byId.set(point.id, point);
  return { points: [...byId.values()], listings, problems };
}
