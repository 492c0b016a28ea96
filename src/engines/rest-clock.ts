import type { StoreClock } from "../core/store-ports.ts";
import { type DatedClient, dateIn } from "../host/http-clock.ts";

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
  const base = repository.href.endsWith("/") ? repository.href : `${repository.href}/`;
  const list = await client.ask(
    {
      method: "GET",
      url: new URL("snapshots/", base),
      headers: { accept: "application/vnd.x.restic.rest.v2" },
    },
    signal,
  );
  if (list.status !== 200 || list.date === undefined) return undefined;
  const names = namesIn(list.text);
  if (names === undefined) return undefined;
  const received = new Map<string, Date>();
  for (let at = 0; at < names.length; at += atOnce) {
    const some = names.slice(at, at + atOnce).map(async (name) => {
      const { status, headers } = await client.ask(
        { method: "HEAD", url: new URL(`snapshots/${name}`, base) },
        signal,
      );
      const when = status === 200 ? dateIn(headers["last-modified"]) : undefined;
      if (when !== undefined) received.set(name, when);
    });
    await Promise.all(some);
    // Some servers, such as rclone's, do not tell it: then none of the others need be asked.
    if (received.size === 0) break;
  }
  return { now: list.date, received };
}

/** Version 2 of the protocol tells objects, version 1 only names. */
function namesIn(text: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    return value
      .map((one: unknown) =>
        typeof one === "string" ? one : String((one as { name?: unknown } | null)?.name),
      )
      .filter((name) => /^[0-9a-f]{64}$/.test(name));
  } catch {
    return undefined;
  }
}
