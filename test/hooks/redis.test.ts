import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { PreparedHook } from "../../src/core/hook.ts";
import type { RedisHookConfig } from "../../src/core/hook-config.ts";
import { redisHook } from "../../src/hooks/redis.ts";
import { folder } from "../host/places.ts";
import { after, facts, failureIn, isPending, never } from "./facts.ts";
import { describeWith, eventually, type Redis, startRedis } from "./servers.ts";

const host = { env: {}, uid: process.getuid?.() };
const waits = { connect: 1000, poll: 20 };

function config(server: Redis, more: Partial<RedisHookConfig> = {}): RedisHookConfig {
  const rest = { kind: "redis", name: "redis", mode: "auto", timeout: 10_000, onFailure: "abort" } as const;
  return { ...rest, socket: server.socket, ...more };
}

async function start(...options: string[]): Promise<Redis> {
  const server = await startRedis(...options);
  onTestFinished(() => server.stop());
  return server;
}

async function prepare(server: Redis, more: Partial<RedisHookConfig> = {}, env = {}): Promise<PreparedHook> {
  const prepared = await redisHook(config(server, more), { ...host, env }, waits).prepare(facts, never);
  onTestFinished(() => prepared.close());
  return prepared;
}

/** Keys that take long to save, where each is saved with a delay (in microseconds). */
const slow = ["--rdb-key-save-delay", "20000"];
const fill = (server: Redis, keys = 100): Promise<string> => server.cli("DEBUG", "POPULATE", String(keys));
const debug = ["--enable-debug-command", "yes"];

async function number(server: Redis, name: string): Promise<number> {
  const info = await server.cli("INFO", "persistence");
  return Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
}

describeWith(["redis"], "Redis", () => {
  test("without a log the data is saved, each time anew", async () => {
    const server = await start();
    const prepared = await prepare(server);
    for (const times of [1, 2]) {
      await server.cli("SET", "k", "v");
      const held = await prepared.hold(never);
      // What is saved is in the file: nothing is changed since.
      expect(await number(server, "rdb_changes_since_last_save")).toBe(0);
      expect(await number(server, "rdb_saves")).toBe(times);
      const last = Number(await server.cli("LASTSAVE"));
      const holding = await held.release(true);
      expect(holding).toEqual({
        held: true,
        problems: [],
        facts: { mode: "rdb", lastsave: new Date(last * 1000).toISOString() },
      });
    }
  });

  test("a save that runs already is waited for, and does not pass for ours", async () => {
    const server = await start(...debug, ...slow);
    await fill(server);
    await server.cli("BGSAVE");
    await server.cli("SET", "late", "1");
    const holding = (await prepare(server)).hold(never);
    expect(await isPending(holding, 1000)).toBe(true);
    await holding;
    expect(await number(server, "rdb_saves")).toBe(2);
    expect(await number(server, "rdb_changes_since_last_save")).toBe(0);
  });

  test("a log is rewritten and synced, and it is what auto chooses", async () => {
    const server = await start("--appendonly", "yes");
    await server.cli("SET", "k", "v");
    const before = await number(server, "aof_rewrites");
    const holding = await (await (await prepare(server)).hold(never)).release(true);
    expect(holding).toMatchObject({ held: true, facts: { mode: "aof" } });
    expect(await number(server, "aof_rewrites")).toBe(before + 1);
    expect(await number(server, "aof_pending_bio_fsync")).toBe(0);
  });

  test("the dump can be asked for where there is a log, but no log where there is none", async () => {
    const server = await start();
    expect(await failureIn(prepare(server, { mode: "aof" }))).toMatchObject({
      kind: "configuration",
      found: "the server has appendonly off",
    });
    await server.cli("CONFIG", "SET", "appendonly", "yes");
    const saves = await number(server, "rdb_saves");
    await (await prepare(server, { mode: "rdb" })).hold(never);
    expect(await number(server, "rdb_saves")).toBe(saves + 1);
  });

  test.each(["rdb", "aof"] as const)("a failing save (%s) fails the hold", async (mode) => {
    const server = await start(...(mode === "aof" ? ["--appendonly", "yes"] : []));
    const prepared = await prepare(server);
    await (await prepared.hold(never)).release(true);
    // The server runs as redis, so the mode of its directory counts.
    const directory = path.join(server.directory, "data", mode === "aof" ? "appendonlydir" : "");
    await chmod(directory, 0o500);
    if (mode === "aof") await chmod(path.join(server.directory, "data"), 0o500);
    const error = await failureIn(prepared.hold(never));
    expect(["cannot-write", "refused"]).toContain(error["kind"]);
    if (mode === "rdb")
      expect(error.message).toContain("the disk is full or its directory cannot be written");
    await chmod(directory, 0o700);
    await chmod(path.join(server.directory, "data"), 0o700);
    expect(await (await prepared.hold(never)).release(true)).toMatchObject({ held: true });
  });

  test("a save that takes too long fails at the timeout, and an abort ends the wait at once", async () => {
    const server = await start(...debug, ...slow);
    await fill(server, 1000);
    const began = performance.now();
    const error = await failureIn((await prepare(server, { timeout: 1500 })).hold(never));
    expect(error).toMatchObject({ kind: "refused", found: "it was not done within 1s500ms" });
    expect(performance.now() - began).toBeLessThan(10_000);
    const stop = new AbortController();
    const holding = failureIn((await prepare(server)).hold(stop.signal));
    await after(200);
    stop.abort();
    expect(await isPending(holding, 200)).toBe(false);
    expect(await holding).toMatchObject({ kind: "interrupted" });
  });

  test("a dump is asked for when the rewrite of a log has ended", async () => {
    const server = await start("--appendonly", "yes", ...debug, ...slow);
    await fill(server);
    await server.cli("BGREWRITEAOF");
    const prepared = await prepare(server, { mode: "rdb" });
    const saves = await number(server, "rdb_saves");
    const holding = prepared.hold(never);
    expect(await isPending(holding, 500)).toBe(true);
    expect(await (await holding).release(true)).toMatchObject({ held: true });
    expect(await number(server, "rdb_saves")).toBe(saves + 1);
  });

  test.each(["rdb", "aof"] as const)("a save (%s) that is killed fails the hold", async (mode) => {
    const server = await start("--appendonly", mode === "aof" ? "yes" : "no", ...debug, ...slow);
    await fill(server);
    const holding = failureIn((await prepare(server)).hold(never));
    const child = await eventually(async () => {
      const children = await readFile(`/proc/${server.pid}/task/${server.pid}/children`, "utf8");
      if (children.trim() === "") throw new Error("nothing is being saved");
      return Number(children);
    });
    process.kill(child, "SIGKILL");
    expect(await holding).toMatchObject({ kind: "cannot-write", found: expect.stringContaining("failed") });
  });

  test("a wrong password is denied, and is in no word of it", async () => {
    const server = await start("--requirepass", "right");
    const file = path.join(await folder(), "password");
    await writeFile(file, "hush-hush\n", { mode: 0o600 });
    for (const [more, env] of [
      [{ passwordFile: file }, {}],
      [{}, { REDISCLI_AUTH: "hush-hush" }],
      [{ user: "u", passwordFile: file }, {}],
      [{}, {}],
    ] as const) {
      const error = await failureIn(prepare(server, more, env));
      expect(error).toMatchObject({ kind: "denied" });
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain("hush-hush");
    }
    await writeFile(file, "right\n");
    expect(
      await (await (await prepare(server, { passwordFile: file })).hold(never)).release(true),
    ).toMatchObject({ held: true });
    await prepare(server, {}, { REDISCLI_AUTH: "right" });
    await chmod(file, 0o640);
    expect(await failureIn(prepare(server, { passwordFile: file }))).toMatchObject({
      kind: "configuration",
      remedy: `chmod 600 ${file}`,
    });
  });

  test("a user with few rights is told what it lacks, and needs no more", async () => {
    const server = await start("--appendonly", "yes");
    await server.cli("ACL", "SETUSER", "backup", "on", ">pw", "-@all");
    const file = path.join(await folder(), "password");
    await writeFile(file, "pw", { mode: 0o600 });
    const as = { user: "backup", passwordFile: file };
    const error = await failureIn(prepare(server, as));
    expect(error).toMatchObject({ kind: "denied", remedy: expect.stringMatching(/^ACL SETUSER backup \+/) });
    await server.cli(...String(error["remedy"]).split(" "));
    for (const mode of ["rdb", "aof"] as const)
      expect(await (await (await prepare(server, { ...as, mode })).hold(never)).release(true)).toMatchObject({
        held: true,
      });
  });

  test("a server that is not there, or goes, is unreachable; one that came back is used again", async () => {
    const server = await start();
    expect(await failureIn(prepare(server, { socket: "/nonexistent/s" }))).toMatchObject({
      kind: "unreachable",
      code: "ENOENT",
    });
    const prepared = await prepare(server);
    await server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await after(100);
    expect(await (await prepared.hold(never)).release(true)).toMatchObject({ held: true });
    await server.crash();
    expect(await failureIn(prepared.hold(never))).toMatchObject({ kind: "unreachable" });
  });

  test("a server that hangs is given up", async () => {
    const server = await start();
    const prepared = await prepare(server, { timeout: 500 });
    server.signal("SIGSTOP");
    onTestFinished(() => server.signal("SIGCONT"));
    const began = performance.now();
    expect(await failureIn(prepared.hold(never))).toMatchObject({ kind: "unreachable" });
    expect(await failureIn(prepare(server, { timeout: 500 }))).toMatchObject({ kind: "unreachable" });
    expect(performance.now() - began).toBeLessThan(10_000);
    await prepared.close();
  });
});
