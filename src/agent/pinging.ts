import type { NotifySettings } from "../config/outputs.ts";
import { outputDefaults } from "../config/outputs.ts";
import { BackupError } from "../core/errors.ts";
import type { Listener } from "../core/listener.ts";
import { namesJob, type PingSignal, pingAddress } from "../core/ping-address.ts";
import type { Around } from "./around.ts";
import { noticeAbout } from "./notice-about.ts";

/** Pings at the beginning and the end of a job's run. */
export interface Pinging {
  readonly listener: Listener;
  /** Sends the ping of the beginning. Does not wait; how it went is told with the end. */
  began(job: string): void;
}

/** A ping on its way. */
interface Sent {
  readonly limit: AbortController;
  /** Settles with what went wrong, never throws. */
  readonly failure: Promise<unknown>;
}

const doing = "ping the URL of notify.ping";

/** The most of a message that is sent along; services keep 10 kB or more of it. */
const longestBody = 8_000;

/**
 * Signs of life for a service that misses them. A run that was kept out by another sends none, and one that
 * only removes sends none either: neither has made a backup. A run that dies is missed by its silence.
 */
export function pinging(ping: NonNullable<NotifySettings["ping"]>, around: Around): Pinging {
  const { timeout = outputDefaults.pingTimeout } = ping;
  const begun = new Map<string, Sent>();
  const send = async (signal: PingSignal, job: string, body: string, ms: number, stop?: AbortSignal) => {
    const url = await urlOf(ping, around);
    const { run, server } = around;
    const address = pingAddress(url, signal, { job, run, ...(server && { server }) });
    if (address === undefined) throw noUrl();
    const host = await import("../host/ping.ts");
    const options = { doing: `${doing} (${signal})`, timeout: ms, env: around.self.env };
    await host.ping(address, body, { ...options, ...(stop && { signal: stop }) });
    return url;
  };
  return {
    began(job) {
      if (!around.capture) return;
      const limit = new AbortController();
      const failure = send("start", job, "", timeout, limit.signal).then(
        () => undefined,
        (error: unknown) => error,
      );
      begun.set(job, { limit, failure });
    },
    listener: {
      doing,
      async tell(report) {
        const start = begun.get(report.job);
        begun.delete(report.job);
        if (!around.capture || report.outcome === "skipped") return;
        const since = performance.now();
        const lost = start && (await settled(start, timeout / 2));
        const { text } = await noticeAbout(report, around);
        const signal = report.outcome === "done" ? "success" : "fail";
        const left = timeout - (performance.now() - since);
        const url = await send(signal, report.job, text.slice(0, longestBody), left);
        // The end was heard, so the beginning is what there is to complain of.
        if (lost !== undefined) throw lost;
        if (around.jobs.length > 1 && !namesJob(url)) throw shared(around.jobs.length);
      },
    },
  };
}

/**
 * What became of the beginning: the end must not overtake it, or the service waits for an end that has been.
 * One that is still on its way when the time is up is given up.
 */
async function settled({ limit, failure }: Sent, ms: number): Promise<unknown> {
  const timer = setTimeout(() => limit.abort(), ms);
  try {
    return await failure;
  } finally {
    clearTimeout(timer);
  }
}

/** The URL of the configuration, or of the file that holds it. */
export async function urlOf(
  { url, urlFile }: NonNullable<NotifySettings["ping"]>,
  { self }: Pick<Around, "self">,
): Promise<string> {
  if (urlFile === undefined) return url ?? "";
  const { secretIn } = await import("../host/private-file.ts");
  return secretIn(urlFile, self.uid, "URL");
}

function noUrl(): BackupError {
  const found = "what notify.ping names is no http:// or https:// URL";
  return new BackupError({ kind: "configuration", doing, found });
}

function shared(jobs: number): BackupError {
  return new BackupError({
    kind: "configuration",
    doing: "tell the jobs apart by the URL of notify.ping",
    found: `one URL without {job} in it is pinged for ${jobs} jobs: a good one hides that another fails`,
    remedy: "put {job} into the URL",
  });
}
