import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { node } from "../host/places.ts";
import { describeWith, startMariadb, startPostgres, startRedis } from "./servers.ts";

describeWith(["mariadb", "postgres", "redis"], "the databases together", () => {
  test("are held and let go, and then nothing keeps the process", async () => {
    const servers = await Promise.all([startMariadb(), startPostgres(), startRedis()]);
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.stop()))));
    const [mariadb, postgres, redis] = servers;
    const [program = "", ...words] = [...node, path.join(import.meta.dirname, "databases-together.ts")];
    const child = spawn(program, [...words, mariadb.socket, postgres.host, redis.socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const said = text(child.stdout);
    const [code] = await once(child, "exit");
    expect([code, await said]).toEqual([0, "[true,true,true]\n"]);
    expect(
      await postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ec2-backup'"),
    ).toBe("0");
  });
});

test("no driver is loaded before a hook is prepared", async () => {
  const rooms = ["mysql", "postgres", "redis", "mongodb"].map((name) =>
    path.join(import.meta.dirname, `../../src/hooks/${name}.ts`),
  );
  const script = `await Promise.all(${JSON.stringify(rooms)}.map((one) => import(one)));
    const loaded = Object.keys((await import("node:module")).default._cache ?? {});
    console.log(JSON.stringify(loaded.filter((one) => /node_modules/.test(one))));`;
  const [program = "", ...words] = node;
  const child = spawn(program, [...words, "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(JSON.parse(await text(child.stdout))).toEqual([]);
});
