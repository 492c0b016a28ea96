import { alarmSettingsOf } from "../config/alarm-settings.ts";
import type { Settings } from "../config/defaults.ts";
import { BackupError } from "../core/errors.ts";
import { type PolicyPlace, partitionOf } from "../core/policy-fill.ts";
import { namedTopic } from "../core/topic.ts";
import { writtenSettings } from "./configuration.ts";
import { identify } from "./session.ts";
import type { AgentOptions } from "./wish.ts";

/** What the command line says of the place; it wins. */
export type PlaceWish = Partial<
  Pick<PolicyPlace, "partition" | "region" | "account" | "namespace" | "lockDays" | "bucket">
> &
  Pick<PolicyPlace, "topics" | "keys">;

/** Milliseconds for the instance metadata, which answers at once or is not there. */
const patience = 2_000;

/**
 * For whom the policies are filled in: as the flags say, else the configuration, else the instance metadata.
 * @throws BackupError usage, naming the flags of what cannot be told.
 */
export async function placeOf(
  wish: PlaceWish,
  { loaded }: Pick<AgentOptions, "loaded">,
  signal: AbortSignal,
): Promise<PolicyPlace> {
  const settings = writtenSettings(loaded);
  const known = wish.region !== undefined && wish.account !== undefined;
  const identity = known ? undefined : await identify(patience, signal).catch(absent);
  const region = wish.region ?? identity?.region;
  const account = wish.account ?? identity?.account;
  const partition =
    wish.partition ?? (region === undefined || region === "*" ? undefined : partitionOf(region));
  const missing = Object.entries({
    "--region": region,
    "--account": account,
    "--partition": partition,
  }).flatMap(
    // Of a Region the partition follows, so the Region is all that is asked for.
    ([flag, value]) =>
      value !== undefined || (flag === "--partition" && region === undefined) ? [] : [flag],
  );
  if (region === undefined || account === undefined || partition === undefined)
    throw new BackupError({
      kind: "usage",
      doing: "fill in the policy",
      found: `this host does not tell ${missing.length > 1 ? "where it is" : `its ${missing[0]?.slice(2)}`}`,
      remedy: `say it by ${missing.join(" and ")}`,
    });
  const place = { partition, region, account };
  const alarms = alarmSettingsOf(loaded.ok === true ? loaded.file : undefined);
  const told = [namedTopic(alarms, place), settings.notify?.topic];
  return {
    ...place,
    ...settingsOf(wish, settings),
    topics: wish.topics.length > 0 ? wish.topics : [...new Set(told.filter((one) => one !== undefined))],
  };
}

/** What of it needs no instance. */
export function settingsOf(
  { namespace, keys, lockDays, bucket: named }: PlaceWish,
  settings: Pick<Settings, "metrics" | "repositories">,
): Pick<PolicyPlace, "namespace" | "keys" | "lockDays" | "bucket"> {
  const bucket = named ?? bucketOf(settings);
  return {
    ...(bucket === undefined ? {} : { bucket }),
    namespace: namespace ?? settings.metrics.namespace,
    keys,
    ...(lockDays === undefined ? {} : { lockDays }),
  };
}

/** That of the only repository in S3 that the configuration names. */
function bucketOf({ repositories = {} }: Pick<Settings, "repositories">): string | undefined {
  const buckets = Object.values(repositories).flatMap(
    ({ url }) => /^s3:(?:https?:\/\/)?[^/]+\/(.+?)\/*$/.exec(url)?.[1] ?? [],
  );
  return buckets.length === 1 ? buckets[0] : undefined;
}

function absent(error: unknown): undefined {
  if (error instanceof BackupError && error.kind !== "interrupted") return undefined;
  throw error;
}
