/** What is told to the one who waits for pings. */
export type PingSignal = "start" | "success" | "fail";

/** Whom a ping is about. */
export interface Pinged {
  readonly job: string;
  /** The instance id; absent if the instance does not know itself. */
  readonly server?: string;
  /** The run id, a UUID: by it a start finds its end, also where runs overlap. */
  readonly run: string;
}

/**
 * The address of a ping, or nothing where the URL is none. `{job}` and `{server}` in the URL stand for names;
 * what is in its query stays.
 *
 * Source: healthchecks.io, "Pinging API": success at the URL itself, `/start` and `/fail` below it, `rid` names
 * the run.
 */
export function pingAddress(url: string, signal: PingSignal, { job, server, run }: Pinged): URL | undefined {
  const filled = url
    .replaceAll("{job}", encodeURIComponent(job))
    .replaceAll("{server}", encodeURIComponent(server ?? "unknown"));
  if (!isPingUrl(filled)) return undefined;
  const address = new URL(filled);
  if (signal !== "success") address.pathname = `${address.pathname.replace(/\/+$/, "")}/${signal}`;
  address.searchParams.set("rid", run);
  return address;
}

/** Whether a text can be a ping URL, braces and all. */
export function isPingUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s/]/i.test(text) || text.length > 2_000) return false;
  return URL.canParse(text);
}

/** Whether one URL of several jobs tells them apart; if not, the success of one hides the failure of another. */
export function namesJob(url: string): boolean {
  return url.includes("{job}");
}
