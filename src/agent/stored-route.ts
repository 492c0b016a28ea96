import { BackupError } from "../core/errors.ts";
import { matching } from "../core/restore-choice.ts";
import type { PointQuery } from "../core/restore-query.ts";
import { holding } from "../core/stored-choice.ts";
import { placeText, storedPlace } from "../core/stored-path.ts";
import { wishOf } from "./restore-points.ts";
import type { RestoreOptions } from "./restore-session.ts";
import { findStored, type StoredFound, type StoredSession, storedSession } from "./stored-session.ts";

/** Whether this host is known to be none of EC2's: by its configuration, or by what it was before. */
export async function isElsewhere({ loaded, stateDirectory }: RestoreOptions): Promise<boolean> {
  if (loaded.ok === true && loaded.file.config.host !== undefined) return true;
  const { lastInstance } = await import("../host/state.ts");
  if ((await lastInstance(stateDirectory)) !== undefined) return false;
  const { lastHost } = await import("./elsewhere.ts");
  return (await lastHost(stateDirectory)) !== undefined;
}

/** Where the point is taken from, and what is told of that choice. */
export type Route =
  | {
      readonly kind: "stored";
      readonly session: StoredSession;
      readonly found: StoredFound;
      readonly because?: string;
    }
  | { readonly kind: "volumes"; readonly because?: string };

/** What decides it. */
export interface RouteWish {
  readonly query: PointQuery;
  readonly paths: readonly string[];
  /** Points of volumes were asked for, by a flag or by what only they have. */
  readonly ofVolumes: boolean;
}

/**
 * Stored files come first, since they cost nothing to read; points of volumes where no repository has the path, or
 * they are what was asked for. A repository that cannot be read is no reason to make volumes unasked.
 */
export async function routeOf(
  { query, paths, ofVolumes }: RouteWish,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<Route> {
  const isStored = query.repository !== undefined || query.bare !== undefined;
  if (ofVolumes && isStored)
    throw new BackupError({
      kind: "usage",
      doing: `restore ${paths[0] ?? "/"}`,
      found: "a repository and points of volumes contradict each other",
      remedy: "leave one of them out",
    });
  if (ofVolumes || query.from !== undefined || query.region !== undefined) return { kind: "volumes" };
  const session = storedSession(query, options);
  const places = paths.flatMap((path) => storedPlace(path) ?? []);
  const onlyStored = isStored || places.some((place) => place.in === "dump");
  if (session === undefined) {
    if (!onlyStored) return { kind: "volumes" };
    const remedy = "add it under repositories, or name one by --repository URL --password-file FILE";
    const doing = `restore ${paths[0] ?? "/"}`;
    throw new BackupError({ kind: "usage", doing, found: "no repository is configured", remedy });
  }
  const found = await findStored(query, session, signal);
  const [failure] = found.failures;
  const wish = wishOf(query, session.zone, new Date());
  const able = places.reduce((points, place) => holding(points, place), found.points);
  const has = matching(able, wish).length > 0;
  const stored = (because?: string): Route => ({
    kind: "stored",
    session,
    found,
    ...(because && { because }),
  });
  // Who is no instance, or has named a repository, has no other choice.
  const isOnly = onlyStored || (await isElsewhere(options));
  if (has && isOnly) return stored();
  if (has) return stored("files come before volumes, since they cost nothing; volumes: --volumes");
  if (failure !== undefined) {
    const { kind, doing, found: what, code } = failure;
    const remedy = isOnly
      ? failure.remedy
      : `${failure.remedy === undefined ? "" : `${failure.remedy}; `}points of volumes: --volumes`;
    throw new BackupError({ kind, doing, found: what, ...(remedy && { remedy }), ...(code && { code }) });
  }
  if (isOnly) return stored();
  const [place] = places;
  return {
    kind: "volumes",
    because: `no stored point that was asked for is of ${place === undefined ? "it" : placeText(place)}`,
  };
}
