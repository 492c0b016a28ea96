import http from "node:http";
import https from "node:https";
import { BackupError } from "../core/errors.ts";
import { proxyFailed } from "../core/proxy-failure.ts";
import { proxyAgents } from "./proxy-agents.ts";

export interface PingOptions {
  /** What the ping says, for failures: they must never show the address, which is a secret. */
  readonly doing: string;
  /** Milliseconds for all tries together. */
  readonly timeout: number;
  /** The agent's environment, for HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the body; absent = text. */
  readonly contentType?: string;
  /** Ends the ping; what it has achieved by then is its outcome. */
  readonly signal?: AbortSignal;
}

/**
 * Sends one ping by POST, and tries once more if it was not heard. Throws `unreachable` (nobody answered, or a
 * failure of the other side that may pass) or `refused`, never a word of the address.
 *
 * A redirection is not followed: the secret in the address would be told to whoever is named there.
 */
export async function ping(address: URL, body: string, options: PingOptions): Promise<void> {
  const began = performance.now();
  try {
    // The first try leaves time for the second.
    await once(address, body, options.timeout / 2, options);
  } catch (error) {
    const left = options.timeout - (performance.now() - began);
    const passing = error instanceof BackupError && error.kind === "unreachable";
    if (!passing || left <= 0 || options.signal?.aborted === true) throw error;
    await once(address, body, left, options);
  }
}

function once(
  address: URL,
  body: string,
  ms: number,
  { doing, env, signal, contentType = "text/plain; charset=utf-8" }: PingOptions,
): Promise<void> {
  const bytes = Buffer.from(body);
  const secure = address.protocol === "https:";
  const { request } = secure ? https : http;
  // A connection of its own, so that none is kept open when the run is over.
  const { httpAgent, httpsAgent } = proxyAgents({ env, patience: ms * 0.8, keepAlive: false });
  const agent = secure ? httpsAgent : httpAgent;
  return new Promise((resolve, reject) => {
    const fail = (found: string, code: string, kind: "unreachable" | "refused" = "unreachable") =>
      end(() => reject(new BackupError({ kind, doing, found, code, remedy: remedies[kind] })));
    const sent = request(address, {
      agent,
      method: "POST",
      headers: { "content-type": contentType, "content-length": bytes.length },
    });
    // Whatever the socket or a look-up of the name does, this is the end.
    const timer = setTimeout(() => fail(`no answer within ${Math.round(ms) / 1000} s`, "TimeoutError"), ms);
    const stop = () => fail("the run was over before it was heard", "AbortError");
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      settle();
      sent.destroy();
      agent.destroy();
    };
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted === true) stop();
    sent.on("error", (error) => fail(foundOf(error), systemCodeOf(error)));
    sent.on("response", ({ statusCode = 0 }) => {
      if (statusCode >= 200 && statusCode < 300) return end(resolve);
      const passing = statusCode >= 500 || statusCode === 429 || statusCode === 408;
      fail(`the answer ${statusCode}`, String(statusCode), passing ? "unreachable" : "refused");
    });
    sent.end(bytes);
  });
}

const remedies = {
  unreachable: "check that this host may reach the address of notify.ping, and whether the service is well",
  refused: "check the address of notify.ping: it must be the final one, since no redirection is followed",
} as const;

/** Only a proxy is named: it is no secret without its login. */
function foundOf(error: NodeJS.ErrnoException): string {
  if (error.code === proxyFailed) return error.message;
  return error instanceof BackupError ? error.found : `no answer (${systemCodeOf(error)})`;
}

/** The code alone: a message of Node's names the host, and one about the address may hold it whole. */
function systemCodeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.name;
}
