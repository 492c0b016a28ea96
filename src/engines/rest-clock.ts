import { inGroups } from "../core/in-groups.ts";
import type { StoreClock } from "../core/store-answers.ts";
import { type DatedClient, dateIn } from "../host/http-clock.ts";
import { restSnapshots } from "./rest-snapshots.ts";

/** Requests at a time. */
const atOnce = 8;

/**
 * The clock of a REST server: the `Date` of its answers, and when it last changed
 * each snapshot, which it never does, where it tells that.
 */
export async function restClock(
  client: DatedClient,
  repository: URL,
  signal: AbortSignal,
): Promise<StoreClock | undefined> {
  const list = await restSnapshots(client, repository, signal);
  if (list?.date === undefined) return undefined;
  const { files } = list;
  const received = new Map<string, Date>();
  for (const group of inGroups(files, atOnce)) {
    const some = group.map(async ({ name, url }) => {
      const { status, headers } = await client.ask({ method: "HEAD", url }, signal);
      const when = status === 200 ? dateIn(headers["last-modified"]) : undefined;
      if (when !== undefined) received.set(name, when);
    });
    await Promise.all(some);
    // Some servers, such as rclone's, do not tell it: then none of the others need be asked.
    if (received.size === 0) break;
  }
  return { now: list.date, received };
}
