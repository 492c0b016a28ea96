import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { ping } from "../../src/host/ping.ts";
import { listening } from "../fakes/listening.ts";
import { pingService } from "../fakes/ping-service.ts";
import { folder, has, need } from "./places.ts";

const doing = "ping the URL of notify.ping (fail)";
const options = { doing, timeout: 2_000, env: {} };

/** What a failing ping throws, and how long it took. */
async function failure(url: string, more: Partial<Parameters<typeof ping>[2]> = {}) {
  const began = performance.now();
  const error = await ping(new URL(url), "body", { ...options, ...more }).then(
    () => expect.fail("the ping was heard"),
    (thrown: unknown) => thrown as Error & Record<string, unknown>,
  );
  // Not even a stack may hold the secret.
  expect(JSON.stringify(error) + String(error) + String(error.stack)).not.toMatch(/hush/);
  return { error, ms: performance.now() - began };
}

/** A server that accepts connections and does with them as it is told. */
async function accepting(serve: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  return `http://127.0.0.1:${await listening(server)}/hush`;
}

describe("a ping", () => {
  test("is one POST with its text", async () => {
    const service = await pingService();
    await ping(new URL(`${service.url}/fail?rid=r`), "it fäiled\n", options);
    expect(service.heard).toEqual([
      { method: "POST", path: "/hush-hush/fail", rid: "r", body: "it fäiled\n" },
    ]);
  });

  test("that nobody takes is sent once more", async () => {
    const service = await pingService((_, response, number) => {
      response.statusCode = number === 1 ? 503 : 200;
      response.end();
    });
    await ping(new URL(service.url), "", options);
    expect(service.heard).toHaveLength(2);
  });

  test("is heard as soon as the answer begins, however slowly it goes on", async () => {
    const service = await pingService((_, response) => void response.write("O"));
    await ping(new URL(service.url), "", options);
    expect(service.heard).toHaveLength(1);
  });

  test.each([
    [500, "unreachable", 2],
    [429, "unreachable", 2],
    [404, "refused", 1],
    [301, "refused", 1],
  ])("that is answered by %i is a failure of kind %s after %i tries", async (status, kind, tries) => {
    const elsewhere = await pingService();
    const service = await pingService((_, response) => {
      response.writeHead(status, { location: `${elsewhere.url}/stolen` });
      response.end();
    });
    const { error } = await failure(service.url);
    expect(error).toMatchObject({ kind, doing, found: `the answer ${status}`, code: String(status) });
    expect(service.heard).toHaveLength(tries);
    expect(elsewhere.heard).toEqual([]);
  });

  test("that never is answered ends in time, both tries together", async () => {
    const service = await pingService(() => undefined);
    const { error, ms } = await failure(service.url, { timeout: 400 });
    expect(error).toMatchObject({ kind: "unreachable", code: "TimeoutError" });
    expect(service.heard).toHaveLength(2);
    expect(ms).toBeGreaterThan(390);
    expect(ms).toBeLessThan(10_000);
  });

  test("that is refused, broken off or answered by nonsense is a failure that names the cause", async () => {
    const gone = await accepting((socket) => socket.destroy());
    expect((await failure(gone)).error).toMatchObject({ kind: "unreachable", code: "ECONNRESET" });
    const nonsense = await accepting((socket) => void socket.write("220 smtp.example.org\r\n"));
    expect((await failure(nonsense)).error).toMatchObject({ kind: "unreachable" });
    const { port } = new URL(gone);
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const free = (closed.address() as AddressInfo).port;
    await new Promise((resolve) => closed.close(resolve));
    expect(free).not.toBe(Number(port));
    const { error } = await failure(`http://127.0.0.1:${free}/hush`);
    expect(error).toMatchObject({ kind: "unreachable", found: "no answer (ECONNREFUSED)" });
  });

  test("to a host that has no address is a failure", async () => {
    const { error } = await failure("http://hush.invalid/hush");
    expect(error["kind"]).toBe("unreachable");
    expect(error["code"]).toMatch(/ENOTFOUND|EAI_AGAIN|TimeoutError/);
  });

  test("can be given up, and is not tried again then", async () => {
    const service = await pingService(() => undefined);
    const limit = new AbortController();
    setTimeout(() => limit.abort(), 100);
    const { error, ms } = await failure(service.url, { timeout: 30_000, signal: limit.signal });
    expect(error).toMatchObject({ code: "AbortError" });
    expect(ms).toBeLessThan(15_000);
    expect(service.heard).toHaveLength(1);
    const { error: late } = await failure(service.url, { signal: AbortSignal.abort() });
    expect(late).toMatchObject({ code: "AbortError" });
    expect(service.heard).toHaveLength(1);
  });
});

test("a server whose certificate nobody vouches for is told nothing", async (context) => {
  need(context, has("openssl"), "openssl");
  const place = await folder();
  const [key, cert] = [path.join(place, "key"), path.join(place, "cert")];
  const words = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost".split(" ");
  await promisify(execFile)("openssl", [...words, "-keyout", key, "-out", cert]);
  const heard: string[] = [];
  const files = { key: await readFile(key), cert: await readFile(cert) };
  const server = https.createServer(files, (request, response) => {
    heard.push(request.url ?? "");
    response.end();
  });
  const { error } = await failure(`https://127.0.0.1:${await listening(server)}/hush`);
  expect(error["code"]).toMatch(/SELF_SIGNED/);
  expect(heard).toEqual([]);
});

test("the environment's proxy is gone through, but not to where NO_PROXY says", async () => {
  const service = await pingService();
  const asked: string[] = [];
  const proxy = http.createServer((request, response) => {
    asked.push(request.url ?? "");
    const { port, pathname } = new URL(request.url ?? "");
    request.pipe(
      http.request({ host: "127.0.0.1", port, path: pathname, method: "POST" }, (answer) => {
        response.writeHead(answer.statusCode ?? 500);
        answer.pipe(response);
      }),
    );
  });
  proxy.on("connect", (request, socket, head) => {
    asked.push(request.url ?? "");
    const onward = connect(service.port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => void proxy.close(() => resolve())));
  const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  await ping(new URL(service.url), "", { ...options, env: { HTTP_PROXY } });
  expect(asked).toHaveLength(1);
  await ping(new URL(service.url), "", { ...options, env: { HTTP_PROXY, NO_PROXY: "127.0.0.1" } });
  expect(asked).toHaveLength(1);
  expect(service.heard).toHaveLength(2);
});
