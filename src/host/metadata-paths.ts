import http from "node:http";

/** Reads single values of the metadata service, by version 2 alone. */
export interface MetadataPaths {
  /** The text below `latest/meta-data/`; nothing where there is none such (404). @throws Error */
  read(path: string, signal: AbortSignal): Promise<string | undefined>;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A token lives for as long as one may: the service counts what is asked of it. In seconds. */
const lifetime = 21_600;

/** What no value of the metadata comes near, in bytes. */
const longest = 16_384;

/**
 * Asks by plain HTTP and keeps its token: who asks every few seconds for months has no use for the SDK's client, which
 * fetches a token for each request. `timeout`: milliseconds for one request; nothing is tried twice but what a token
 * that has expired has spoilt.
 */
export function metadataPaths(endpoint: string, timeout: number): MetadataPaths {
  // Of its own, so that no proxy is gone through, and no connection is kept by a service that is asked so rarely.
  const agent = new http.Agent({ keepAlive: false });
  let token: string | undefined;
  const ask = (method: "GET" | "PUT", path: string, headers: Record<string, string>, signal: AbortSignal) =>
    request(new URL(path, endpoint), { method, headers, agent, timeout }, signal);
  const newToken = async (signal: AbortSignal): Promise<string> => {
    const headers = { "x-aws-ec2-metadata-token-ttl-seconds": String(lifetime) };
    const { status, text } = await ask("PUT", "/latest/api/token", headers, signal);
    if (status !== 200) throw new Error(`the metadata service gives no token (${status})`);
    return text;
  };
  return {
    async read(path, signal) {
      const get = async () => {
        token ??= await newToken(signal);
        return ask("GET", `/latest/meta-data/${path}`, { "x-aws-ec2-metadata-token": token }, signal);
      };
      let answer = await get();
      if (answer.status === 401) {
        token = undefined;
        answer = await get();
      }
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new Error(`the metadata service answers ${answer.status} for ${path}`);
      return answer.text;
    },
  };
}

interface Asked {
  readonly method: "GET" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: http.Agent;
  readonly timeout: number;
}

function request(url: URL, { timeout, ...options }: Asked, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, options);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      settle();
      sent.destroy();
    };
    const fail = (found: string): void => end(() => reject(new Error(found)));
    const stop = (): void => fail("told to stop");
    // For all of it: a service that sends a byte a second is silent as well.
    const timer = setTimeout(
      () => fail(`the metadata service does not answer within ${timeout / 1000} s`),
      timeout,
    );
    signal.addEventListener("abort", stop, { once: true });
    sent.on("error", ({ message }) => fail(`the metadata service cannot be reached (${message})`));
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more: string) => {
        text += more;
        if (text.length > longest) fail("the metadata service answers without end");
      });
      response.on("error", ({ message }) => fail(`the metadata service's answer broke off (${message})`));
      response.on("end", () => end(() => resolve({ status: response.statusCode ?? 0, text })));
    });
    if (signal.aborted) stop();
    else sent.end();
  });
}
