import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";

/** An answer of a server, with its own clock. */
interface DatedAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The `Date` of the answer. */
  readonly date: Date | undefined;
}

interface DatedRequest {
  readonly method: "GET" | "HEAD" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks one server again and again over the same connections. */
export interface DatedClient {
  ask(request: DatedRequest, signal: AbortSignal): Promise<DatedAnswer>;
  close(): void;
}

/** Milliseconds without a byte. */
const patience = 20_000;
/** Bytes of an answer; a list of snapshots has some hundred for each. */
const most = 64 * 1024 * 1024;

/** `cacert`: a file of certificates that sign the server's, in the place of the system's. */
export async function datedClient(cacert: string | undefined): Promise<DatedClient> {
  const ca = cacert === undefined ? {} : { ca: await readFile(cacert) };
  const plain = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const secure = new https.Agent({ keepAlive: true, maxSockets: 8, ...ca });
  return {
    ask: ({ method, url, headers = {} }, signal) => {
      const options = { method, headers: { ...headers, ...loginOf(url) }, signal, timeout: patience };
      const target = new URL(url);
      target.username = "";
      target.password = "";
      const request =
        url.protocol === "https:"
          ? https.request(target, { ...options, agent: secure })
          : http.request(target, { ...options, agent: plain });
      return answerTo(request);
    },
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

function loginOf({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
}

function answerTo(request: http.ClientRequest): Promise<DatedAnswer> {
  return new Promise((resolve, reject) => {
    request.once("error", reject);
    request.once("timeout", () => request.destroy(new Error(`no answer within ${patience / 1000} s`)));
    request.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.length > most) request.destroy(new Error("too long an answer"));
      });
      response.once("error", reject);
      response.once("end", () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, text, date: dateIn(headers.date) });
      });
    });
    request.end();
  });
}

/** An instant as HTTP writes it. */
export function dateIn(text: string | undefined): Date | undefined {
  const at = new Date(text ?? "");
  return Number.isNaN(at.getTime()) ? undefined : at;
}
