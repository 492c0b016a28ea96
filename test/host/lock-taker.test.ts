import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { canBeTaker } from "../../src/host/lock-taker.ts";
import { folder, need } from "./places.ts";

const linux = process.platform === "linux";
const hour = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);

async function started(file: string, ...words: string[]): Promise<ChildProcess> {
  const child = spawn(file, words, { stdio: ["ignore", "pipe", "ignore"] });
  await once(child, "spawn");
  return child;
}

test("a number that somebody else has got since then is nobody's who took a lock with it", async (context) => {
  need(context, linux, "Linux");
  const other = await started("sleep", "1000");
  context.onTestFinished(() => void other.kill("SIGKILL"));
  const pid = other.pid ?? 0;
  expect(canBeTaker(pid, "restic", ago(hour))).toBe(false);
  expect(canBeTaker(pid, "restic", new Date()), "it was there then, whatever it is called").toBe(true);
  expect(canBeTaker(process.pid, "restic", new Date())).toBe(true);
});

test("a restic is taken for the one that took it, whatever a clock that was set says of its beginning", async (context) => {
  need(context, linux, "Linux");
  const file = path.join(await folder(), "restic_0.18.0");
  await copyFile("/bin/sleep", file);
  const other = await started(file, "1000");
  context.onTestFinished(() => void other.kill("SIGKILL"));
  expect(canBeTaker(other.pid ?? 0, "restic", ago(hour))).toBe(true);
});

test("one that has ended and that nobody has buried holds nothing", async (context) => {
  need(context, linux, "Linux");
  const parent = await started("sh", "-c", "sleep 1000 & echo $!; exec sleep 1000");
  context.onTestFinished(() => void parent.kill("SIGKILL"));
  const [text] = (await once(parent.stdout ?? parent, "data")) as [Buffer];
  const pid = Number(text.toString());
  expect(pid).toBeGreaterThan(1);
  // A shell would bury it: it is to end when its parent is none any more.
  const program = () => readFileSync(`/proc/${parent.pid}/comm`, "utf8").trim();
  await expect.poll(program, { timeout: 10_000 }).toBe("sleep");
  expect(canBeTaker(pid, "sleep", new Date())).toBe(true);
  process.kill(pid, "SIGKILL");
  await expect.poll(() => canBeTaker(pid, "sleep", new Date()), { timeout: 10_000 }).toBe(false);
  expect(() => process.kill(pid, 0), "its number is still taken").not.toThrow();
});
