import { createSocket } from "node:dgram";
import { chmod, readFile, stat } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { appendLines, sendLines } from "../../src/host/emf.ts";
import { folder } from "./places.ts";

const lines = ['{"a":1}', '{"b":"ü"}'];

/** A TCP listener that keeps what it is told, and when each of its connections has ended. */
async function listener(answer = ""): Promise<{ endpoint: string; port: number; ended: Promise<string> }> {
  let done: (text: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    done = resolve;
  });
  const server = createServer((socket) => {
    let text = "";
    socket.write(answer);
    socket.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
    socket.once("end", () => done(text));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  return { endpoint: `tcp://127.0.0.1:${port}`, port, ended };
}

test("over TCP each line ends with a line feed, and the connection ends by itself", async () => {
  const agent = await listener();
  await sendLines(lines, agent.endpoint, 5_000);
  expect(await agent.ended).toBe('{"a":1}\n{"b":"ü"}\n');
});

test("an agent that talks is not listened to", async () => {
  const agent = await listener("hello\n".repeat(10_000));
  await sendLines(lines, agent.endpoint, 5_000);
  expect(await agent.ended).toBe('{"a":1}\n{"b":"ü"}\n');
});

test("over UDP each line is a datagram", async () => {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  onTestFinished(() => void socket.close());
  const heard: string[] = [];
  const all = new Promise<void>((resolve) => {
    socket.on("message", (bytes) => {
      if (heard.push(bytes.toString()) === 2) resolve();
    });
  });
  await sendLines(lines, `udp://127.0.0.1:${socket.address().port}`, 5_000);
  await all;
  expect(heard).toEqual(lines);
  const long = "x".repeat(70_000);
  await expect(sendLines([long], `udp://127.0.0.1:${socket.address().port}`, 5_000)).rejects.toMatchObject({
    found: "70000 bytes are too many for a datagram",
  });
});

test("where nobody listens it is a failure that says what to do", async () => {
  const agent = createServer();
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  const { port } = agent.address() as AddressInfo;
  await new Promise((resolve) => agent.close(resolve));
  await expect(sendLines(lines, `tcp://127.0.0.1:${port}`, 5_000)).rejects.toMatchObject({
    kind: "unreachable",
    doing: `send the metrics to tcp://127.0.0.1:${port}`,
    code: "ECONNREFUSED",
    remedy: expect.stringContaining("CloudWatch agent"),
  });
});

test("an agent that takes nothing does not hold us longer than we said", async () => {
  const sockets: { destroy(): void }[] = [];
  const server = createServer((socket) => {
    socket.pause();
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const began = performance.now();
  const flood = ["x".repeat(64 * 1024 * 1024)];
  await expect(sendLines(flood, `tcp://127.0.0.1:${port}`, 300)).rejects.toMatchObject({
    found: "no end within 0.3 s",
  });
  expect(performance.now() - began).toBeLessThan(20_000);
});

test("a file grows by whole lines that everybody may read", async () => {
  const file = path.join(await folder(), "metrics.emf");
  await appendLines(lines, file);
  await appendLines(["{}"], file);
  expect(await readFile(file, "utf8")).toBe('{"a":1}\n{"b":"ü"}\n{}\n');
  if (process.platform !== "win32") expect((await stat(file)).mode & 0o777).toBe(0o644 & ~process.umask());
  await chmod(file, 0o600);
  await expect(appendLines(lines, `${file}/x`)).rejects.toMatchObject({
    kind: "cannot-write",
    code: "ENOTDIR",
  });
});
