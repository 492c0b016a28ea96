import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { describeWith, type Redis, startRedis } from "../hooks/servers.ts";
import { halfWay, killHalfWay, moved, repository, shell, streamsOf } from "./dump-stage.ts";

// Real servers, beside other tests.
vi.setConfig({ testTimeout: 300_000 });

const debug = ["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"];

/** Two counters that always are the same, until the server goes; and keys that stay as they are. */
async function underLoad(...options: string[]): Promise<Redis> {
  const server = await startRedis(...debug, ...options);
  onTestFinished(() => server.stop());
  await server.cli("EVAL", fill, "0");
  const line = `while redis-cli -s ${server.socket} EVAL "${count}" 0 >/dev/null 2>&1; do :; done`;
  shell(line, {}).catch(() => undefined);
  await moved(() => server.cli("GET", "a"));
  return server;
}

const fill = `for i = 1, 20000 do
  redis.call('SET', 'key' .. i, redis.sha1hex(i) .. string.rep(string.char(i % 256), i % 300))
  redis.call('HSET', 'hash' .. (i % 100), i, redis.sha1hex(i + 1))
end
redis.call('SET', 'mortal', 'x', 'EX', 100000)
redis.call('ZADD', 'sorted', 1.5, 'ö', 2.5, '\\0')`;
const count =
  "redis.call('INCR', 'a'); redis.call('INCR', 'b'); redis.call('LPUSH', 'log', redis.call('GET', 'a'))";

async function digest(server: Redis): Promise<string> {
  const keys = [...Array(100).keys()].flatMap((one) => [`key${one * 200 + 1}`, `hash${one}`]);
  return server.cli("DEBUG", "DIGEST-VALUE", ...keys, "sorted");
}

/** A server that starts on an RDB file. */
async function loaded(file: string, place: string): Promise<Redis> {
  await mkdir(place, { mode: 0o755 });
  await copyFile(file, `${place}/dump.rdb`);
  await shell(`chown -R redis '${place}'`, {});
  const server = await startRedis(...debug, "--dir", place);
  onTestFinished(() => server.stop());
  return server;
}

describeWith(["redis"], "the dump of Redis", () => {
  for (const diskless of ["yes", "no"])
    it(`made while it is written is of one instant, and loads into a fresh server (diskless: ${diskless})`, async (context) => {
      const stage = await repository(context);
      const server = await underLoad("--repl-diskless-sync", diskless);
      const [stream] = await streamsOf({ kind: "redis", name: "cache", socket: server.socket });
      if (stream === undefined) throw new Error("no stream");
      const id = await stage.save(stream);
      const before = Number(await server.cli("GET", "a"));
      const file = await stage.file(id, stream);
      expect(await shell(`redis-check-rdb '${file}'`, {})).toMatch(/Checksum OK/);
      const fresh = await loaded(file, stage.at("data"));
      expect(await digest(fresh)).toBe(await digest(server));
      const a = await fresh.cli("GET", "a");
      expect(await fresh.cli("GET", "b")).toBe(a);
      expect(await fresh.cli("LLEN", "log")).toBe(a);
      expect(Number(a)).toBeLessThanOrEqual(before);
      expect(Number(await fresh.cli("TTL", "mortal"))).toBeGreaterThan(90_000);
      expect(Number(await fresh.cli("DBSIZE"))).toBe(Number(await server.cli("DBSIZE")));
    });

  it("logs in as a user that may do no more than replicas do, by a password in a file", async (context) => {
    const stage = await repository(context);
    const server = await startRedis(...debug);
    onTestFinished(() => server.stop());
    await server.cli("SET", "x", "1");
    await server.cli(
      "ACL",
      "SETUSER",
      "backup",
      "on",
      ">a-good-password",
      "+psync",
      "+sync",
      "+replconf",
      "+ping",
    );
    const passwordFile = stage.at("redis-password");
    await writeFile(passwordFile, "a-good-password\n", { mode: 0o600 });
    const config = {
      kind: "redis",
      name: "cache",
      socket: server.socket,
      user: "backup",
      passwordFile,
    } as const;
    const [stream] = await streamsOf(config);
    if (stream === undefined) throw new Error("no stream");
    await stage.save(stream);
    await server.cli("ACL", "SETUSER", "backup", "-psync", "-sync");
    await expect(stage.save(stream)).rejects.toMatchObject({ kind: "denied", remedy: /ACL SETUSER/ });
    await writeFile(passwordFile, "another-password\n", { mode: 0o600 });
    const [wrong] = await streamsOf(config);
    const error = await stage.save(wrong ?? stream).catch((one: unknown) => one);
    expect(error).toMatchObject({ kind: "denied" });
    expect(String(error)).not.toMatch(/another-password/);
    expect(await stage.count()).toBe(1);
  });

  it("leaves no point when the client is killed half-way or the server dies", async (context) => {
    const stage = await repository(context);
    const server = await startRedis(...debug, "--rdbcompression", "no", "--rdb-key-save-delay", "30");
    onTestFinished(() => server.stop());
    await server.cli("DEBUG", "POPULATE", "100000", "key", "500");
    const [stream] = await streamsOf({ kind: "redis", name: "cache", socket: server.socket });
    if (stream === undefined) throw new Error("no stream");
    const killed = expect(stage.save(stream)).rejects.toMatchObject({ found: /ended by SIGKILL/ });
    await killHalfWay("redis-cli");
    await killed;
    const crashed = expect(stage.save(stream)).rejects.toMatchObject({ found: /ended with 1.*I\/O Error/s });
    await halfWay("redis-cli");
    await server.crash();
    await crashed;
    expect(await stage.count()).toBe(0);
  });
});
