import { DeleteTagsCommand } from "@aws-sdk/client-ec2";
import { tagKeys } from "../core/point-tags.ts";
import { claimKey } from "../core/sweep-claims.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { inGroups, maxFilterValues } from "./groups.ts";
import { tagResources } from "./tag-resources.ts";

/** Marks snapshots as given up since then. */
export async function markDoomed(
  connection: Connection,
  ids: readonly string[],
  since: Date,
  signal: AbortSignal,
): Promise<void> {
  for (const some of inGroups(ids, maxFilterValues))
    await tagResources(connection, some, { [tagKeys.doomed]: since.toISOString() }, signal);
}

/** Writes on instances which sweep is about to capture them. */
export async function writeClaims(
  connection: Connection,
  instances: readonly string[],
  value: string,
  signal: AbortSignal,
): Promise<void> {
  for (const some of inGroups(instances, maxFilterValues))
    await tagResources(connection, some, { [claimKey]: value }, signal);
}

/** Takes away what says just that. */
export async function clearClaims(
  connection: Connection,
  instances: readonly string[],
  Value: string,
  signal: AbortSignal,
): Promise<void> {
  for (const Resources of inGroups(instances, maxFilterValues))
    await call(connection, "take claims off instances", signal, (abortSignal) =>
      connection.ec2.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: claimKey, Value }] }), {
        abortSignal,
      }),
    );
}

/** Takes the marks off, whatever they say. */
export async function unmarkDoomed(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const Resources of inGroups(ids, maxFilterValues))
    await call(connection, "take marks off snapshots", signal, (abortSignal) =>
      connection.ec2.send(new DeleteTagsCommand({ Resources, Tags: [{ Key: tagKeys.doomed }] }), {
        abortSignal,
      }),
    );
}
