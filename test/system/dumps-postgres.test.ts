import { expect, it, onTestFinished, vi } from "vitest";
import { describeWith, type Postgres, startPostgres } from "../hooks/servers.ts";
import { killHalfWay, moved, repository, shell, streamsOf } from "./dump-stage.ts";

// Real servers, beside other tests.
vi.setConfig({ testTimeout: 300_000 });

const odd = "ödd/ host=x";

const schema = [
  "CREATE ROLE shopper LOGIN PASSWORD 'a secret'",
  `CREATE DATABASE "${odd}"`,
  `CREATE TABLE fixed AS SELECT i AS id, repeat(md5(i::text), 1 + i % 20) AS t, sha512(i::text::bytea) AS b,
     i / 7.0 AS d, i::float8 / 3 AS x, timestamptz '2024-01-01' + i * interval '1 second' AS w
     FROM generate_series(1, 40000) i`,
  "ALTER TABLE fixed ADD PRIMARY KEY (id)",
  "GRANT SELECT ON fixed TO shopper",
  "CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)",
  "INSERT INTO accounts SELECT i, 1000 FROM generate_series(1, 50) i",
  "CREATE TABLE transfers (id serial PRIMARY KEY, f int REFERENCES accounts, t int REFERENCES accounts)",
  "CREATE TABLE control (stop int)",
  "INSERT INTO control VALUES (0)",
  "CREATE VIEW rich AS SELECT id FROM accounts WHERE balance > 1000",
  `CREATE PROCEDURE move() LANGUAGE plpgsql AS $$ DECLARE a int; b int; BEGIN
     LOOP
       a := 1 + floor(random() * 50); b := 1 + floor(random() * 50);
       UPDATE accounts SET balance = balance - 1 WHERE id = a;
       UPDATE accounts SET balance = balance + 1 WHERE id = b;
       INSERT INTO transfers (f, t) VALUES (a, b);
       COMMIT;
       PERFORM pg_sleep(0.002);
       EXIT WHEN (SELECT stop FROM control) = 1;
     END LOOP; END $$`,
];

const wrong = `SELECT count(*) FROM accounts c WHERE balance <> 1000
  - (SELECT count(*) FROM transfers WHERE f = c.id) + (SELECT count(*) FROM transfers WHERE t = c.id)`;
const fixedSum = "SELECT md5(string_agg(f::text, '|' ORDER BY id)) FROM fixed f";

async function underLoad(): Promise<{ server: Postgres; stop(): Promise<void> }> {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  for (const statement of schema) await server.sql(statement);
  const moving = server.sql("CALL move()");
  moving.catch(() => undefined);
  return {
    server,
    stop: async () => {
      await server.sql("UPDATE control SET stop = 1");
      await moving;
    },
  };
}

describeWith(["postgres"], "dumps of PostgreSQL", () => {
  it("made while it is written are of one instant each, and load into a fresh server", async (context) => {
    const stage = await repository(context);
    const { server, stop } = await underLoad();
    const count = () => server.sql("SELECT count(*) FROM transfers");
    await moved(count);
    const streams = await streamsOf({ kind: "postgres", name: "pg", host: server.host });
    expect(streams.map(({ series, source }) => [series, source.file])).toEqual([
      ["pg/globals", "globals.sql"],
      ["pg/postgres", "postgres.dump"],
      ["pg/%C3%B6dd%2F%20host%3Dx", "%C3%B6dd%2F%20host%3Dx.dump"],
    ]);
    const before = Number(await count());
    const ids = new Map<string, string>();
    for (const stream of streams) ids.set(stream.series, await stage.save(stream));
    await moved(count);
    const after = Number(await count());
    await stop();
    const sum = await server.sql(fixedSum);
    const fresh = await startPostgres();
    onTestFinished(() => fresh.stop());
    const env = { PGHOST: fresh.host };
    for (const stream of streams) {
      const line = await stage.line(ids.get(stream.series) ?? "", stream);
      // The database that every server has cannot be made: as the words say, its content alone is loaded.
      const words = stream.tags["database"] === "postgres" ? line.replace("--create ", "") : line;
      await shell(words, env, "postgres");
    }
    expect(sum).toMatch(/^[0-9a-f]{32}$/);
    expect(await fresh.sql(fixedSum)).toBe(sum);
    expect(await fresh.sql(wrong)).toBe("0");
    const dumped = Number(await fresh.sql("SELECT count(*) FROM transfers"));
    expect(dumped).toBeGreaterThanOrEqual(before);
    expect(dumped).toBeLessThan(after);
    expect(await fresh.sql("SELECT count(*) FROM rich WHERE id > 0")).toMatch(/^\d+$/);
    expect(await fresh.sql("SELECT has_table_privilege('shopper', 'fixed', 'SELECT')")).toBe("t");
    expect(await fresh.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'shopper'")).toBe(
      await server.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'shopper'"),
    );
    expect(await fresh.sql(`SELECT count(*) FROM pg_database WHERE datname = '${odd}'`)).toBe("1");
  });

  it("say what is wrong with the login before anything is dumped", async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const config = {
      kind: "postgres",
      name: "pg",
      host: server.host,
      role: "nobody",
      globals: false,
    } as const;
    await expect(streamsOf(config)).rejects.toMatchObject({ kind: "denied" });
  });

  it("leave no point when the client is killed half-way, the server dies or a database is missing", async (context) => {
    const stage = await repository(context);
    const { server } = await underLoad();
    const config = {
      kind: "postgres",
      name: "pg",
      host: server.host,
      databases: ["gone", "postgres"],
      globals: false,
    } as const;
    const [gone, there] = await streamsOf(config);
    if (gone === undefined || there === undefined) throw new Error("no streams");
    await expect(stage.save(gone)).rejects.toMatchObject({
      kind: "not-found",
      found: /"gone" does not exist/,
    });
    const killed = expect(stage.save(there)).rejects.toMatchObject({ found: /ended by SIGKILL/ });
    await killHalfWay("pg_dump");
    await killed;
    expect(await stage.count()).toBe(0);
    await stage.save(there);
    expect(await stage.count()).toBe(1);
    const crashed = expect(stage.save(there)).rejects.toMatchObject({ found: /ended with 1/ });
    const lock = server.sql("BEGIN; LOCK TABLE fixed; SELECT pg_sleep(600)");
    lock.catch(() => undefined);
    const waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    await vi.waitUntil(async () => (await server.sql(waiting)) !== "0", { timeout: 60_000, interval: 50 });
    await server.crash();
    await crashed;
    expect(await stage.count()).toBe(1);
  });

  it("are ended when they wait for a lock for too long", async (context) => {
    const stage = await repository(context);
    const { server, stop } = await underLoad();
    await stop();
    const lock = server.sql("BEGIN; LOCK TABLE fixed; SELECT pg_sleep(600)");
    lock.catch(() => undefined);
    await moved(() => server.sql("SELECT now()"));
    const config = {
      kind: "postgres",
      name: "pg",
      host: server.host,
      databases: ["postgres"],
      globals: false,
    } as const;
    const [stream] = await streamsOf({ ...config, idleTimeout: 1_000 });
    if (stream === undefined) throw new Error("no stream");
    await expect(stage.save(stream)).rejects.toMatchObject({ found: /did nothing for 1s/ });
    expect(await stage.count()).toBe(0);
  });
});
