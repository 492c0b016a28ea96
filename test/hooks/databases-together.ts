// Holds every database that it is told of, lets go, and must end by itself: nothing may keep the process.
import { mysqlHook } from "../../src/hooks/mysql.ts";
import { postgresHook } from "../../src/hooks/postgres.ts";
import { redisHook } from "../../src/hooks/redis.ts";
import { facts, never } from "./facts.ts";

const [mysql = "", postgres = "", redis = ""] = process.argv.slice(2);
const onFailure = "abort" as const;
const host = { env: { PATH: process.env["PATH"] }, home: "/nonexistent", uid: process.getuid?.() };
const hooks = [
  mysqlHook(
    {
      kind: "mysql",
      name: "mysql",
      socket: mysql,
      lockWait: 2000,
      deadline: 20_000,
      lock: "auto",
      onFailure,
    },
    host,
  ),
  postgresHook(
    {
      kind: "postgres",
      name: "pg",
      host: postgres,
      database: "postgres",
      mode: "backup",
      timeout: 10_000,
      deadline: 20_000,
      onFailure,
    },
    host,
  ),
  redisHook({ kind: "redis", name: "redis", socket: redis, mode: "auto", timeout: 10_000, onFailure }, host),
];
const prepared = await Promise.all(hooks.map((hook) => hook.prepare(facts, never)));
const held = [];
for (const one of prepared) held.push(await one.hold(never));
const holdings = [];
for (const one of held.reverse()) holdings.push(await one.release(true));
await Promise.all(prepared.map((one) => one.close()));
process.stdout.write(`${JSON.stringify(holdings.map((one) => one.held))}\n`);
