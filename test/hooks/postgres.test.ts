import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Held, PreparedHook } from "../../src/core/hook.ts";
import type { PostgresHookConfig } from "../../src/core/hook-config.ts";
import { postgresHook } from "../../src/hooks/postgres.ts";
import { speakerOf } from "../../src/hooks/psql.ts";
import { folder } from "../host/places.ts";
import { after, facts, failureIn, isPending, never } from "./facts.ts";
import { describeWith, eventually, freePort, type Postgres, startPostgres } from "./servers.ts";

const host = { env: { PATH: process.env["PATH"] }, home: "/nonexistent", uid: process.getuid?.() };

describeWith(["postgres"], "PostgreSQL", () => {
  let server: Postgres;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    server = await startPostgres("listen_addresses=127.0.0.1", `port=${port}`);
  });
  afterAll(() => server?.stop());

  const config = (more: Partial<PostgresHookConfig> = {}): PostgresHookConfig => ({
    kind: "postgres",
    name: "postgres",
    host: server.host,
    port,
    database: "postgres",
    mode: "checkpoint",
    timeout: 10_000,
    deadline: 20_000,
    onFailure: "abort",
    ...more,
  });
  const prepare = async (more: Partial<PostgresHookConfig> = {}): Promise<PreparedHook> => {
    const prepared = await postgresHook(config(more), host).prepare(facts, never);
    onTestFinished(() => prepared.close());
    return prepared;
  };
  const hold = async (more: Partial<PostgresHookConfig> = {}): Promise<Held> =>
    (await prepare(more)).hold(never);
  const ours = "FROM pg_stat_activity WHERE application_name = 'ec2-backup'";
  const redo = (): Promise<string> => server.sql("SELECT redo_lsn FROM pg_control_checkpoint()");

  test("a checkpoint is made as the system's user postgres, and where it is is told", async () => {
    await server.sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    const before = await redo();
    const holding = await (await hold()).release(true);
    expect(holding).toMatchObject({ held: true, problems: [] });
    expect(holding.facts["checkpoint"]).toBe(await redo());
    expect(holding.facts["checkpoint"]).not.toBe(before);
    expect(holding.facts).toMatchObject({
      server: expect.stringMatching(/^PostgreSQL \d+/),
      archive: "off",
      "data-directory": path.join(server.directory, "data"),
    });
    expect(holding.facts).not.toHaveProperty("tablespaces");
  });

  test("a backup is open from the hold to the release, and its label is kept", async () => {
    const held = await hold({ mode: "backup" });
    // Only this session can end it: one backup for each.
    expect(await server.sql(`SELECT count(*) ${ours} AND query LIKE 'SELECT pg_backup_start%'`)).toBe("1");
    await server.sql("INSERT INTO t VALUES (2)");
    const holding = await held.release(true);
    expect(holding).toMatchObject({ held: true, problems: [] });
    const { facts: found } = holding;
    expect(found["backup-label"]).toMatch(/^START WAL LOCATION: .*\nCHECKPOINT LOCATION: .*\n/);
    expect(found["backup-label"]).toContain("LABEL: ec2-backup default 0199-run\n");
    expect(found["backup-label"]).toContain(`START WAL LOCATION: ${found["backup-start"]} `);
    expect(await server.sql(`SELECT '${found["backup-stop"]}'::pg_lsn > '${found["backup-start"]}'`)).toBe(
      "t",
    );
  });

  test.each(["checkpoint", "backup"] as const)(
    "in mode %s it can hold again, also after its session was ended",
    async (mode) => {
      const prepared = await prepare({ mode });
      for (const end of [true, false]) {
        expect(await (await prepared.hold(never)).release(false)).toMatchObject({ held: true });
        if (end) await server.sql(`SELECT pg_terminate_backend(pid) ${ours}`);
        // psql learns of it only when it is spoken to: the hold fails, and the next one connects anew.
        if (end) expect(await failureIn(prepared.hold(never))).toMatchObject({ kind: "unreachable" });
      }
    },
  );

  test.each(["checkpoint", "backup"] as const)(
    "in mode %s a backend that is ended meanwhile is told",
    async (mode) => {
      const held = await hold({ mode });
      await server.sql(`SELECT pg_terminate_backend(pid) ${ours}`);
      const holding = await held.release(true);
      expect(holding.held).toBe(false);
      expect(holding.problems).toMatchObject([
        {
          kind: "unreachable",
          found: expect.stringContaining("terminating connection due to administrator command"),
        },
      ]);
      expect(holding.facts).not.toHaveProperty("backup-label");
    },
  );

  test("the server ends a backup by itself at the deadline", async () => {
    const held = await hold({ mode: "backup", deadline: 500 });
    await eventually(async () => {
      if ((await server.sql(`SELECT count(*) ${ours}`)) !== "0")
        throw new Error("the session is still there");
    }, 3000);
    const holding = await held.release(true);
    expect(holding.held).toBe(false);
    expect(holding.problems).toMatchObject([{ found: expect.stringContaining("idle-session timeout") }]);
  });

  test("after a release the deadline does not end the session", async () => {
    const prepared = await prepare({ mode: "backup", deadline: 400 });
    await (await prepared.hold(never)).release(true);
    await after(1000);
    expect(await (await prepared.hold(never)).release(true)).toMatchObject({ held: true });
  });

  test("tablespaces are told, in the facts and for the restore", async () => {
    const place = path.join(server.directory, "space");
    await mkdir(place);
    await chmod(place, 0o777);
    await server.sql(`COPY (SELECT 1) TO PROGRAM 'mkdir -m 700 ${place}/own'`);
    await server.sql(`CREATE TABLESPACE aside LOCATION '${place}/own'`);
    onTestFinished(() => void server.sql("DROP TABLESPACE aside"));
    const { facts: found } = await (await hold({ mode: "backup" })).release(true);
    expect(found["tablespaces"]).toBe(`${place}/own`);
    expect(found["tablespace-map"]).toMatch(new RegExp(`^\\d+ ${place}/own`));
  });

  test.each([
    ["checkpoint", /^GRANT pg_checkpoint TO weak_[a-z]+;$/],
    [
      "backup",
      /^GRANT EXECUTE ON FUNCTION pg_backup_start\(text, boolean\), pg_backup_stop\(boolean\) TO weak_[a-z]+;$/,
    ],
  ] as const)(
    "what the role lacks for mode %s is told before, with the statement that grants it",
    async (mode, remedy) => {
      const role = `weak_${mode}`;
      await server.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'pw-of-weak'`);
      const withPassword = { ...host, env: { ...host.env, PGPASSWORD: "pw-of-weak", PGSSLMODE: "disable" } };
      const tcp = config({ mode, role, host: "127.0.0.1" });
      const error = await failureIn(postgresHook(tcp, withPassword).prepare(facts, never));
      expect(error).toMatchObject({
        kind: "denied",
        found: `the role ${role} may not`,
        remedy: expect.stringMatching(remedy),
      });
      await server.sql(String(error["remedy"]));
      const prepared = await postgresHook(tcp, withPassword).prepare(facts, never);
      onTestFinished(() => prepared.close());
      expect(await (await prepared.hold(never)).release(true)).toMatchObject({ held: true });
    },
  );

  test("a wrong password is denied, and is in no word of it", async () => {
    await server.sql("CREATE ROLE other LOGIN PASSWORD 'right'");
    const tcp = config({ role: "other", host: "127.0.0.1" });
    for (const [env, found] of [
      [{ PGPASSWORD: "very-secret" }, "password authentication failed"],
      // Nobody is asked for it: what psql reads from us are statements.
      [{}, "no password supplied"],
    ] as const) {
      const error = await failureIn(
        postgresHook(tcp, { ...host, env: { ...host.env, ...env } }).prepare(facts, never),
      );
      expect(error).toMatchObject({ kind: "denied", found: expect.stringContaining(found) });
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain("very-secret");
    }
  });

  test("a password file of libpq serves", async () => {
    await server.sql("CREATE ROLE filed SUPERUSER LOGIN PASSWORD 'right'");
    const file = path.join(await folder(), "pgpass");
    await writeFile(file, "*:*:*:filed:right\n", { mode: 0o600 });
    const tcp = config({ role: "filed", host: "127.0.0.1" });
    const prepared = await postgresHook(tcp, { ...host, env: { ...host.env, PGPASSFILE: file } }).prepare(
      facts,
      never,
    );
    onTestFinished(() => prepared.close());
    expect(await (await prepared.hold(never)).release(true)).toMatchObject({ held: true });
  });

  test("what is wrong with the connection is told by kind", async () => {
    expect(await failureIn(prepare({ host: "/nonexistent" }))).toMatchObject({
      kind: "unreachable",
      found: expect.stringContaining("No such file or directory"),
    });
    expect(await failureIn(prepare({ user: "nobody" }))).toMatchObject({ kind: "denied" });
    expect(await failureIn(prepare({ database: "none" }))).toMatchObject({
      kind: "denied",
      found: expect.stringContaining('database "none" does not exist'),
    });
    expect(await failureIn(prepare({ user: "no-such-user" }))).toMatchObject({
      kind: "configuration",
      found: "there is no such user",
    });
  });

  test("another user keeps the groups that let it in, and a password is in no argument", async () => {
    const env = { ...host.env, PGPASSWORD: "hush" };
    const { program, args } = await speakerOf(config(), { ...host, env });
    expect([program, ...args].join(" ")).toMatch(/^setpriv --reuid=\d+ --regid=\d+ --init-groups -- psql -X/);
    expect(args.join(" ")).not.toContain("hush");
    const own = await speakerOf(config({ role: "r" }), { ...host, env });
    expect(own).toMatchObject({ program: "psql", env: { PGUSER: "r", PGPASSWORD: "hush" } });
    expect(await failureIn(speakerOf(config({ user: "postgres" }), { ...host, uid: 12_345 }))).toMatchObject({
      kind: "configuration",
      found: "the agent runs as uid 12345, and only root can become another user",
    });
  });

  test("a database's name is never taken for a connection string", async () => {
    const error = await failureIn(prepare({ database: "postgresql://postgres:hush@127.0.0.1/postgres" }));
    expect(error).toMatchObject({ found: expect.stringContaining("does not exist") });
  });

  test("without psql it is told what is missing", async () => {
    const bare = { ...host, env: { PATH: await folder() } };
    expect(await failureIn(postgresHook(config(), bare).prepare(facts, never))).toMatchObject({
      kind: "configuration",
      remedy: "psql and setpriv (of util-linux) must be in the PATH",
    });
  });

  /** Stops the hook's backend: the server is there and says nothing. */
  const hang = async (): Promise<void> => {
    const pid = Number(await server.sql(`SELECT pid ${ours}`));
    process.kill(pid, "SIGSTOP");
    onTestFinished(() => void process.kill(pid, "SIGCONT"));
  };

  test("an abort ends the wait for a server that hangs", async () => {
    const prepared = await prepare();
    await hang();
    const stop = new AbortController();
    const holding = failureIn(prepared.hold(stop.signal));
    expect(await isPending(holding, 300)).toBe(true);
    stop.abort();
    expect(await isPending(holding, 1500)).toBe(false);
    expect(await holding).toMatchObject({ kind: "interrupted" });
  });

  test("a server that hangs is given up at the timeout, and psql is gone after close", async () => {
    const prepared = await prepare({ timeout: 500 });
    const held = await prepared.hold(never);
    await hang();
    const began = performance.now();
    expect(await held.release(true)).toMatchObject({ held: false, problems: [{ kind: "unreachable" }] });
    await prepared.close();
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test("the server's restart after a crash is told", async () => {
    const held = await hold();
    await server.crash();
    await server.restart();
    expect(await held.release(true)).toMatchObject({ held: false, problems: [{ kind: "unreachable" }] });
  });
});

describeWith(["postgres"], "PostgreSQL without fsync", () => {
  test("what it has on its disks is not relied upon", async () => {
    const server = await startPostgres("fsync=off");
    onTestFinished(() => server.stop());
    const rest = {
      database: "postgres",
      mode: "checkpoint",
      timeout: 5000,
      deadline: 5000,
      onFailure: "abort",
    } as const;
    const hook = postgresHook({ kind: "postgres", name: "postgres", host: server.host, ...rest }, host);
    const prepared = await hook.prepare(facts, never);
    onTestFinished(() => prepared.close());
    const holding = await (await prepared.hold(never)).release(true);
    expect(holding.held).toBe(false);
    expect(holding.problems).toMatchObject([{ found: expect.stringContaining("fsync = off") }]);
  });
});
