import type { DatedClient } from "../host/http-clock.ts";
import { snapshotId } from "./restic-snapshots.ts";

/** What a REST server says that lies in a repository's directory of snapshots. */
export interface RestListing {
  /** The server's own clock. */
  readonly date: Date | undefined;
  /** Version 1 of the protocol tells no sizes. */
  readonly files: readonly { readonly name: string; readonly size?: number; readonly url: URL }[];
}

/** Lists the snapshots by HTTP; absent where the server does not tell. */
export async function restSnapshots(
  client: DatedClient,
  repository: URL,
  signal: AbortSignal,
): Promise<RestListing | undefined> {
  const base = repository.href.endsWith("/") ? repository.href : `${repository.href}/`;
  const url = new URL("snapshots/", base);
  const headers = { accept: "application/vnd.x.restic.rest.v2" };
  const { status, date, text } = await client.ask({ method: "GET", url, headers }, signal);
  const entries = status === 200 ? entriesIn(text) : undefined;
  if (entries === undefined) return undefined;
  const files = entries
    .filter(({ name }) => snapshotId.test(name))
    .map((one) => ({ ...one, url: new URL(one.name, url) }));
  return { date, files };
}

/** Version 2 of the protocol tells objects, version 1 only names. */
function entriesIn(text: string): { name: string; size?: number }[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    return value.map((one: unknown) => {
      if (typeof one === "string") return { name: one };
      const { name, size } = (one ?? {}) as { name?: unknown; size?: unknown };
      return { name: String(name), ...(typeof size === "number" && { size }) };
    });
  } catch {
    return undefined;
  }
}
