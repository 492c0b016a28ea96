import { DeleteTagsCommand } from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import { inGroups } from "../core/in-groups.ts";
import { tagKeys } from "../core/point-tags.ts";
import { claimKey } from "../core/sweep-claims.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { maxFilterValues } from "./filter-values.ts";
import { tagResources } from "./tag-resources.ts";

/**
 * One that is gone fails a request for all. Agents and other sweeps remove what is listed meanwhile, so that what is
 * there is found by halves; what is gone needs no tag.
 */
async function ofThose(
  ids: readonly string[],
  act: (some: readonly string[]) => Promise<unknown>,
): Promise<void> {
  for (const some of inGroups(ids, maxFilterValues)) {
    try {
      await act(some);
    } catch (error) {
      if (!(error instanceof BackupError) || error.kind !== "not-found") throw error;
      if (some.length === 1) continue;
      const half = Math.ceil(some.length / 2);
      await ofThose(some.slice(0, half), act);
      await ofThose(some.slice(half), act);
    }
  }
}

/** Marks snapshots as given up since then. */
export async function markDoomed(
  connection: Connection,
  ids: readonly string[],
  since: Date,
  signal: AbortSignal,
): Promise<void> {
  const tags = { [tagKeys.doomed]: since.toISOString() };
  await ofThose(ids, (some) => tagResources(connection, some, tags, signal));
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

/** Takes away what says just that, also for a sweep that is told to stop. */
export async function clearClaims(
  connection: Connection,
  instances: readonly string[],
  Value: string,
): Promise<void> {
  const signal = new AbortController().signal;
  await ofThose(instances, (some) =>
    call(connection, "take claims off instances", signal, (abortSignal) =>
      connection.ec2.send(new DeleteTagsCommand({ Resources: [...some], Tags: [{ Key: claimKey, Value }] }), {
        abortSignal,
      }),
    ),
  );
}

/** Takes the marks off, whatever they say. */
export async function unmarkDoomed(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await ofThose(ids, (some) =>
    call(connection, "take marks off snapshots", signal, (abortSignal) =>
      connection.ec2.send(new DeleteTagsCommand({ Resources: [...some], Tags: [{ Key: tagKeys.doomed }] }), {
        abortSignal,
      }),
    ),
  );
}
