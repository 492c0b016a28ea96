import os from "node:os";
import { BackupError } from "../core/errors.ts";
import type { RunReport } from "../core/report.ts";
import { ListingCache } from "../host/listing-cache.ts";
import type { Opened } from "./open.ts";
import { storesOf } from "./stores.ts";
import type { AgentOptions } from "./wish.ts";

/** Files of a point, beyond which listing it is no small matter beside saving it. */
const mostFiles = 500_000;
/** The longest that it may take, in milliseconds. */
const longest = 5 * 60_000;

/**
 * Keeps what the runs have just stored as listings on this host, so that whoever looks for a lost file does not wait
 * for the whole index of the repository. All is told by then and nobody waits: it takes what others leave of the
 * processor, and what fails is no failure of the run.
 */
export async function keepListings(
  reports: readonly RunReport[],
  { session, force }: Opened,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<void> {
  const made = reports
    .flatMap(({ stored = [] }) => stored)
    .filter(({ source, outcome }) => source === "files" && (outcome === "made" || outcome === "partial"));
  if (made.length === 0 || signal.aborted) return;
  // restic takes it over from us.
  os.setPriority(os.constants.priority.PRIORITY_LOW);
  const { region } = session.identity;
  const stores = storesOf(force.settings, {
    ...options,
    host: session.discovery.instance.id,
    planned: true,
    ...(region === "" ? {} : { region }),
  });
  const cache = new ListingCache(`${options.stateDirectory}/cache/listings`);
  const until = AbortSignal.any([signal, AbortSignal.timeout(longest)]);
  for (const { repository, point, files } of made) {
    const [snapshot] = point?.snapshots ?? [];
    const count = files && files.new + files.changed + files.unmodified;
    if (snapshot === undefined || count === undefined || count > mostFiles) continue;
    const quiet = (why: string): void =>
      options.log("debug", `the listing of ${point?.id} is not kept on this host: ${why}`);
    try {
      const store = await stores.open(repository, until);
      const key = { repository: store.config.url, snapshot: snapshot.id };
      const listed = store.list(snapshot.id, { path: "/", recursive: true }, until);
      for await (const _ of cache.keep(key, listed, quiet));
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      quiet(error.found);
    }
  }
}
