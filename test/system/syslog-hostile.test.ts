import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { listening } from "../fakes/listening.ts";
import { folder, has, isLinux, isRoot, need } from "../host/places.ts";
import { promptly, Speaker, syslogTo } from "./log-speaker.ts";
import { withoutDisks } from "./mount-namespace.ts";
import { until } from "./rsyslog.ts";

/** A server that does with each connection what is given. Goes with the test, its connections too. */
async function serve(treat: (socket: Socket) => void): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    connections++;
    socket.on("error", () => undefined);
    treat(socket);
  });
  return { port: await listening(server), connections: () => connections };
}

const tcp = (port: number, queue = 1_000) => syslogTo({ protocol: "tcp4", port, queue });

test("a server that refuses costs no time, and is told once, with what it has missed", async () => {
  const { port } = await closedPort();
  const speaker = new Speaker(tcp(port));
  speaker.say("one", "two", "three");
  await until(() => speaker.told.length > 0, "the refusal to be told");
  // Several tries more.
  await sleep(600);
  const { code, ending, told } = await speaker.end();
  expect(code).toBe(0);
  expect(ending).toBeLessThan(promptly);
  expect(told).toEqual([
    `the log's syslog at tcp4 127.0.0.1:${port} fails: ECONNREFUSED; up to 1000 lines wait for it`,
    `lines of the log did not reach the syslog at tcp4 127.0.0.1:${port}: 3 not delivered at the end`,
  ]);
});

test("a server that accepts and never reads delays the end by no more than is configured", async () => {
  const { port, connections } = await serve(() => undefined);
  const speaker = new Speaker({ ...tcp(port), flushWithin: 400 });
  // More than any socket's buffers take.
  speaker.say(...Array.from({ length: 1_000 }, (_, index) => `${index} ${"x".repeat(7_900)}`));
  await until(() => connections() > 0, "the connection");
  const { code, ending, told } = await speaker.end();
  expect(code).toBe(0);
  expect(ending).toBeGreaterThan(390);
  expect(ending).toBeLessThan(promptly);
  expect(told).toEqual([
    `lines of the log did not reach the syslog at tcp4 127.0.0.1:${port}: 1000 not delivered at the end`,
  ]);
});

test("a server that reads and never confirms gets lines five times at most, and that is told", async () => {
  let bytes = 0;
  const { port, connections } = await serve((socket) => {
    socket.on("data", (data) => {
      bytes += data.length;
    });
    socket.resume();
  });
  const speaker = new Speaker(tcp(port), { waits: { deliverWithin: 100, retryEvery: 10, retryAtMost: 20 } });
  speaker.say("one", "two");
  await until(() => connections() >= 5, "the tries");
  await until(() => speaker.told.length > 0, "the doubt to be told");
  await sleep(500);
  expect(connections()).toBe(5);
  const { ending, told } = await speaker.end();
  expect(bytes).toBeGreaterThan(0);
  expect(ending).toBeLessThan(promptly);
  expect(told[0]).toContain("it takes what is sent and does not say that it has read it");
  expect(told[1]).toContain("2 sent and never confirmed");
  expect(told).toHaveLength(2);
});

test("a server that hangs up on everybody is taken for none", async () => {
  const { port } = await serve((socket) => socket.resetAndDestroy());
  const speaker = new Speaker(tcp(port));
  speaker.say("one");
  await until(() => speaker.told.length > 0, "the failure to be told");
  const { code, ending, told } = await speaker.end();
  expect(code).toBe(0);
  expect(ending).toBeLessThan(promptly);
  expect(told.at(-1)).toContain("1 not delivered at the end");
});

test("a host that answers no connection delays the end by no more than is configured", async (context) => {
  need(context, isLinux && has("python3"), "Linux and python3");
  // Its queue is full, so the kernel drops what asks for a connection.
  const code = `
import socket, sys, time
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(0)
waiting = [socket.socket() for _ in range(8)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(server.getsockname())
time.sleep(0.3); print(server.getsockname()[1], flush=True); time.sleep(60)`;
  const full = spawn("python3", ["-c", code], { stdio: ["ignore", "pipe", "inherit"] });
  context.onTestFinished(() => void full.kill("SIGKILL"));
  const [port] = await once(full.stdout, "data");
  const speaker = new Speaker({ ...tcp(Number(port)), flushWithin: 300 });
  speaker.say("one");
  const { code: exit, ending, told } = await speaker.end();
  expect(exit).toBe(0);
  expect(ending).toBeLessThan(promptly);
  expect(told.at(-1)).toContain("1 not delivered at the end");
});

test("a name server that does not answer delays the end by no more than is configured", async (context) => {
  need(context, isLinux && isRoot && has("unshare") && has("getent"), "root on Linux, unshare and getent");
  const silent = createSocket("udp4").bind(53, "127.0.0.77");
  await once(silent, "listening");
  context.onTestFinished(() => void silent.close());
  const home = await folder();
  const resolver = path.join(home, "resolv.conf");
  writeFileSync(resolver, "nameserver 127.0.0.77\n");
  const under = [
    ..."unshare --mount sh -c".split(" "),
    `${withoutDisks()}; mount --bind "$0" /etc/resolv.conf && exec "$@"`,
    resolver,
  ];
  for (const protocol of ["tcp4", "udp4"] as const) {
    const asked = once(silent, "message");
    const sink = syslogTo({ protocol, host: "log.nowhere.test", port: 5_514 });
    const speaker = new Speaker({ ...sink, flushWithin: 300 }, { under });
    speaker.say("one");
    await asked;
    const { code, ending, told } = await speaker.end();
    expect(code).toBe(0);
    expect(ending, protocol).toBeLessThan(promptly);
    expect(told.at(-1)).toContain("1 not delivered at the end");
  }
});

test.each([
  ["a host without a name", { protocol: "udp4", host: "nowhere.invalid" }, /the address of nowhere\.invalid/],
  ["no socket", { protocol: "local", socket: "/nowhere/log" }, /\/nowhere\/log.*No such file/],
  ["a socket of another kind", { protocol: "local", socket: "/dev/null" }, /\/dev\/null/],
] as const)("%s costs no time and is told", async (_, place, message) => {
  const speaker = new Speaker(syslogTo(place));
  speaker.say("one");
  await until(() => speaker.told.length > 0, "the failure to be told");
  const { code, ending, told } = await speaker.end();
  expect(code).toBe(0);
  expect(ending).toBeLessThan(promptly);
  expect(told[0]).toMatch(message);
  expect(told.at(-1)).toContain("1 not delivered at the end");
});

test("datagrams to nobody cost no time, and nobody can tell", async () => {
  const { port } = await closedPort();
  const speaker = new Speaker(syslogTo({ protocol: "udp4", port }));
  speaker.say("one", "two");
  const { code, ending, told } = await speaker.end();
  expect({ code, told }).toEqual({ code: 0, told: [] });
  expect(ending).toBeLessThan(promptly);
});

/** Where nobody listens. */
async function closedPort(): Promise<{ port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return { port };
}
