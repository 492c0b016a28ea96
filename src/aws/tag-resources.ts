import { CreateTagsCommand } from "@aws-sdk/client-ec2";
import type { Tags } from "../core/instance.ts";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";
import { listed } from "./listed-tags.ts";

/** Gives resources of EC2 tags, which adds to theirs and replaces those of the same keys. One request. */
export async function tagResources(
  connection: Connection,
  ids: readonly string[],
  tags: Tags,
  signal: AbortSignal,
): Promise<void> {
  const command = new CreateTagsCommand({ Resources: [...ids], Tags: listed(tags) });
  const more = ids.length > 5 ? ` and ${ids.length - 5} more` : "";
  await call(connection, `tag ${ids.slice(0, 5).join(", ")}${more}`, signal, (abortSignal) =>
    connection.ec2.send(command, { abortSignal }),
  );
}
