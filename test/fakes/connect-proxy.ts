import http from "node:http";
import { connect, type Socket } from "node:net";
import { listening } from "./listening.ts";

/** What a proxy was asked for. */
interface Asked {
  /** `host:port` of a tunnel, or the address of a request that is passed on. */
  readonly target: string;
  readonly authorization: string | undefined;
}

/** A real proxy on loopback: CONNECT for tunnels, whole addresses for the rest. It goes with the test. */
export interface ConnectProxy {
  readonly port: number;
  readonly url: string;
  readonly asked: readonly Asked[];
  /** The hosts of the tunnels, each once, sorted. */
  hosts(): string[];
}

export interface ProxyWish {
  /** Answered by 407 without it. */
  readonly login?: string;
  /** The port on loopback to which all tunnels lead, whatever their target. */
  readonly to?: number;
  /** Instead of a tunnel: a status, or silence. */
  readonly answer?: number | "silence";
}

export async function connectProxy(wish: ProxyWish = {}): Promise<ConnectProxy> {
  const asked: Asked[] = [];
  const expected = wish.login && `Basic ${Buffer.from(wish.login).toString("base64")}`;
  const server = http.createServer((request, response) => {
    asked.push({ target: request.url ?? "", authorization: request.headers["proxy-authorization"] });
    const { hostname, port, pathname, search } = new URL(request.url ?? "");
    const { method, headers } = request;
    const path = `${pathname}${search}`;
    const onward = http.request({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  server.on("connect", (request: http.IncomingMessage, client: Socket, head: Buffer) => {
    const target = request.url ?? "";
    const authorization = request.headers["proxy-authorization"];
    asked.push({ target, authorization });
    client.on("error", () => undefined);
    if (wish.answer === "silence") return;
    const refused = expected !== undefined && authorization !== expected ? 407 : wish.answer;
    if (refused !== undefined) {
      const { [refused]: text } = http.STATUS_CODES;
      client.end(`HTTP/1.1 ${refused} ${text}\r\nProxy-Authenticate: Basic realm="${authorization}"\r\n\r\n`);
      return;
    }
    const [, host = "", port = "443"] = /^(.*):(\d+)$/.exec(target) ?? [];
    const onward = wish.to === undefined ? connect(Number(port), host) : connect(wish.to, "127.0.0.1");
    client.on("close", () => onward.destroy());
    onward.on("error", () => client.destroy());
    onward.on("connect", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
  });
  const port = await listening(server);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    asked,
    hosts: () => [...new Set(asked.map(({ target }) => target.replace(/:\d+$/, "")))].sort(),
  };
}
