import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Line } from "../src/log/line.ts";
import { localOutlet } from "../src/log/syslog-local.ts";

const line = (text: string): Line => ({ level: "info", text, at: new Date() });
const { signal } = new AbortController();

/** A place for a socket, of which only the identity matters, and what was handed to each server there. */
async function place() {
  const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-syslog-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const socket = path.join(folder, "socket");
  const servers: string[][] = [];
  /** A server that starts takes away what it finds and makes a socket of its own. */
  const restart = async () => {
    await rm(socket, { force: true });
    await writeFile(socket, "");
    servers.push([]);
  };
  await restart();
  return { socket, servers, restart };
}

const facts = { facility: "daemon", appName: "ec2-backup", pid: 1 } as const;
const texts = (all: readonly string[] | undefined) => all?.map((one) => one.replace(/^<\d+>/, "").trim());

test("a server that is exchanged between the look at its socket and the delivery gets the lines of the last seconds", async () => {
  const { socket, servers, restart } = await place();
  let exchange = false;
  const outlet = localOutlet(socket, facts, async (input) => {
    if (exchange) await restart();
    exchange = false;
    servers.at(-1)?.push(...input.split("\n").filter((one) => one !== ""));
  });
  await outlet.deliver([line("one"), line("two")], signal);
  exchange = true;
  await outlet.deliver([line("three")], signal);
  expect(texts(servers[0])).toEqual(["one", "two"]);
  expect(new Set(texts(servers[1]))).toEqual(new Set(["one", "two", "three"]));
});

test("a server that was exchanged before a delivery gets them once, and the same server nothing twice", async () => {
  const { socket, servers, restart } = await place();
  const outlet = localOutlet(socket, facts, async (input) => {
    servers.at(-1)?.push(...input.split("\n").filter((one) => one !== ""));
  });
  await outlet.deliver([line("one")], signal);
  await outlet.deliver([line("two")], signal);
  await restart();
  await outlet.deliver([line("three")], signal);
  await outlet.deliver([line("four")], signal);
  expect(servers.map(texts)).toEqual([
    ["one", "two"],
    ["one", "two", "three", "four"],
  ]);
});
