import { DeleteTagsCommand } from "@aws-sdk/client-ec2";
import { tagKeys } from "../core/point-tags.ts";
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
