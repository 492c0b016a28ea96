import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { BackupError } from "../core/errors.ts";
import { proxyFailed } from "../core/proxy-failure.ts";
import { type Destination, type Environment, type ProxyServer, proxyFor } from "./proxy-choice.ts";

export interface Through {
  readonly env: Environment;
  /** Milliseconds for the way through the proxy, until whoever is behind it can be spoken to. */
  readonly patience: number;
  /** Whether connections wait for a next request. */
  readonly keepAlive: boolean;
  /** A file of certificates that are trusted, and no others are. */
  readonly caBundle?: string | undefined;
}

/** The agents of Node's HTTP clients that go through the proxies of the environment. */
export interface Agents {
  readonly httpAgent: http.Agent;
  readonly httpsAgent: https.Agent;
}

/**
 * Node has proxies of its own from 22.21 and 24.5 on, and we run from 22.12 on; it knows no networks in NO_PROXY,
 * and its failures do not say which proxy it was. A tunnel is one request, so it is made here.
 */
export function proxyAgents(through: Through): Agents {
  return { httpAgent: new ForwardedAgent(through), httpsAgent: new TunnelAgent(through) };
}

type Connected = (error: Error | null, stream: Duplex) => void;
interface Target {
  readonly host?: string | null | undefined;
  readonly port?: number | string | null | undefined;
}

const destinationOf = ({ host, port }: Target, secure: boolean): Destination => ({
  secure,
  host: host ?? "localhost",
  port: Number(port ?? (secure ? 443 : 80)),
});

/** Each connection is a tunnel, and is kept and used again as any other. */
class TunnelAgent extends https.Agent {
  readonly #through: Through;
  #ca: Buffer | undefined;

  constructor(through: Through) {
    super({ keepAlive: through.keepAlive, maxSockets: 50 });
    this.#through = through;
  }

  override createConnection(options: https.RequestOptions, connected?: Connected): Duplex | null | undefined {
    try {
      const trusting = { ...options, ...this.#trusted() };
      const to = destinationOf(options, true);
      const proxy = proxyFor(this.#through.env, to);
      if (proxy === undefined) return super.createConnection(trusting as http.ClientRequestArgs);
      tunnel(proxy, to, this.#through.patience, trusting.ca).then(
        (socket) => {
          const over = { ...trusting, socket } as http.ClientRequestArgs;
          connected?.(null, super.createConnection(over) as Duplex);
        },
        (error: Error) => connected?.(error, undefined as never),
      );
    } catch (error) {
      // Told like any other connection that does not come about.
      queueMicrotask(() => connected?.(error as Error, undefined as never));
    }
    return undefined;
  }

  #trusted(): { ca?: Buffer } {
    const { caBundle } = this.#through;
    if (caBundle === undefined) return {};
    this.#ca ??= readBundle(caBundle);
    return { ca: this.#ca };
  }
}

function readBundle(file: string): Buffer {
  const doing = "read the certificates of AWS_CA_BUNDLE";
  const remedy = "name a file with certificates in PEM form that the agent may read";
  try {
    const bytes = readFileSync(file);
    if (!bytes.includes("-----BEGIN CERTIFICATE-----")) throw new Error("no certificate is in it");
    tls.createSecureContext({ ca: bytes });
    return bytes;
  } catch (error) {
    const found = `${file}: ${error instanceof Error ? error.message : String(error)}`;
    throw new BackupError({ kind: "configuration", doing, found, remedy });
  }
}

/** What is not encrypted is handed to the proxy as a whole, with the address in full. */
class ForwardedAgent extends http.Agent {
  readonly #through: Through;

  constructor(through: Through) {
    super({ keepAlive: through.keepAlive, maxSockets: 50 });
    this.#through = through;
  }

  /** Called by Node with each request before its head is written; that it is not in Node's types is no accident. */
  addRequest(request: http.ClientRequest, options: http.RequestOptions): void {
    let target: Target = options;
    try {
      const to = destinationOf(options, false);
      const proxy = proxyFor(this.#through.env, to);
      if (proxy?.secure === true) throw unsupported(proxy);
      if (proxy !== undefined) {
        const host = to.host.includes(":") ? `[${to.host}]` : to.host;
        request.path = `http://${host}:${to.port}${request.path}`;
        if (proxy.authorization !== undefined) request.setHeader("proxy-authorization", proxy.authorization);
        target = { ...options, host: proxy.host, port: proxy.port };
      }
    } catch (error) {
      queueMicrotask(() => request.destroy(error as Error));
    }
    (http.Agent.prototype as unknown as Pick<ForwardedAgent, "addRequest">).addRequest.call(
      this,
      request,
      target as http.RequestOptions,
    );
  }
}

function unsupported({ shown }: ProxyServer): BackupError {
  return new BackupError({
    kind: "configuration",
    doing: "use the proxy of HTTP_PROXY",
    found: `${shown} would be spoken to by TLS about what is not encrypted`,
    remedy: "write it as http://host:port",
  });
}

/** A connection through a proxy to somebody behind it. Fails with the code {@link proxyFailed}. */
export function tunnel(
  proxy: ProxyServer,
  { host, port }: Destination,
  patience: number,
  ca?: https.RequestOptions["ca"],
): Promise<Duplex> {
  const { request } = proxy.secure ? https : http;
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const { authorization } = proxy;
  return new Promise((resolve, reject) => {
    const asked = request({
      method: "CONNECT",
      host: proxy.host,
      port: proxy.port,
      path: authority,
      headers: { host: authority, ...(authorization && { "proxy-authorization": authorization }) },
      agent: false,
      ...(ca === undefined ? {} : { ca }),
    });
    const fail = (found: string, passing: boolean) => {
      clearTimeout(timer);
      asked.destroy();
      reject(failure(`the proxy ${proxy.shown} ${found}`, passing));
    };
    const timer = setTimeout(
      () => fail(`does not answer within ${Math.round(patience / 100) / 10} s`, true),
      patience,
    );
    asked.on("error", (error: NodeJS.ErrnoException) =>
      fail(`does not answer (${error.code ?? error.name})`, true),
    );
    asked.on("response", ({ statusCode = 0 }) => fail(refusal(statusCode, authority, proxy), false));
    asked.on("connect", ({ statusCode = 0 }, socket) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        return fail(refusal(statusCode, authority, proxy), statusCode >= 500);
      }
      clearTimeout(timer);
      resolve(socket);
    });
    asked.end();
  });
}

function refusal(status: number, authority: string, { authorization }: ProxyServer): string {
  if (status !== 407) return `does not connect to ${authority} (${status})`;
  return authorization === undefined
    ? "wants a login (407)"
    : "does not take the login that it is given (407)";
}

/** `$retryable` is how the SDK is told that another try may do. No cause is kept: it may repeat the login. */
function failure(found: string, passing: boolean): Error {
  const facts = { code: proxyFailed, ...(passing ? { $retryable: {} } : {}) };
  return Object.assign(new Error(found), facts);
}
