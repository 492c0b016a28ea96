import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Held, PreparedHook } from "../../src/core/hook.ts";
import type { MysqlHookConfig } from "../../src/core/hook-config.ts";
import { mysqlHook } from "../../src/hooks/mysql.ts";
import { folder, node } from "../host/places.ts";
import { after, facts, failureIn, isPending, never } from "./facts.ts";
import { describeWith, eventually, type Mariadb, startMariadb } from "./servers.ts";

const host = { env: {}, home: "/nonexistent", uid: 0 };

describeWith(["mariadb"], "MariaDB", () => {
  let server: Mariadb;
  beforeAll(async () => {
    server = await startMariadb();
    await server.sql(
      "CREATE DATABASE d; CREATE TABLE d.i (a INT) ENGINE=InnoDB; CREATE TABLE d.m (a INT) ENGINE=MyISAM",
    );
    await server.sql("INSERT INTO d.i VALUES (1); INSERT INTO d.m VALUES (1)");
  });
  afterAll(() => server?.stop());

  const config = (more: Partial<MysqlHookConfig> = {}): MysqlHookConfig => ({
    kind: "mysql",
    name: "mysql",
    socket: server.socket,
    lockWait: 1000,
    deadline: 20_000,
    lock: "auto",
    onFailure: "abort",
    ...more,
  });
  const prepare = async (more: Partial<MysqlHookConfig> = {}, env = {}): Promise<PreparedHook> => {
    const prepared = await mysqlHook(config(more), { ...host, env }).prepare(facts, never);
    onTestFinished(() => prepared.close());
    return prepared;
  };
  const hold = async (more: Partial<MysqlHookConfig> = {}): Promise<Held> => {
    const held = await (await prepare(more)).hold(never);
    onTestFinished(async () => void (await held.release(false)));
    return held;
  };
  /** The id of the hook's connection: the only one that sleeps. */
  const idOfHook = (): Promise<string> =>
    server.sql("SELECT id FROM information_schema.processlist WHERE command = 'Sleep'");

  test.each([
    ["auto", "BACKUP STAGE BLOCK_COMMIT"],
    ["backup", "BACKUP STAGE BLOCK_COMMIT"],
    ["global", "FLUSH TABLES WITH READ LOCK"],
  ] as const)("lock %s holds every commit by %s until the release", async (lock, name) => {
    const held = await hold({ lock });
    const [innodb, myisam] = ["i", "m"].map((table) => server.sql(`INSERT INTO d.${table} VALUES (2)`));
    expect(await isPending(Promise.race([innodb, myisam]), 700)).toBe(true);
    const [log, position] = (await server.sql("SHOW MASTER STATUS")).split("\t");
    const { facts: found, ...rest } = await held.release(true);
    await Promise.all([innodb, myisam]);
    expect(rest).toEqual({ held: true, problems: [] });
    expect(found).toMatchObject({
      lock: name,
      binlog: `${log}:${position}`,
      gtid: expect.stringMatching(/^0-1-\d+$/),
    });
    expect(found["server"]).toMatch(/^MariaDB \d+\.\d+\.\d+$/);
    // The writes that waited came after the position that was told.
    expect(await server.sql("SHOW MASTER STATUS")).not.toContain(`${log}\t${position}\t`);
  });

  test("reads go on under the stages", async () => {
    const held = await hold();
    expect(await server.sql("SELECT COUNT(*) > 0 FROM d.i")).toBe("1");
    expect(await held.release(true)).toMatchObject({ held: true });
  });

  test("it can hold again after a release, and after its connection was closed in between", async () => {
    const prepared = await prepare();
    for (const kill of [false, true, false]) {
      const held = await prepared.hold(never);
      expect(await isPending(server.sql("INSERT INTO d.i VALUES (3)"), 200)).toBe(true);
      expect(await held.release(true)).toMatchObject({ held: true, problems: [] });
      if (kill) await server.sql(`KILL ${await eventually(idOfHook)}`);
      await after(50);
    }
  });

  test("a released connection is not closed by the limit of the lock", async () => {
    const prepared = await prepare({ deadline: 1000 });
    await (await prepared.hold(never)).release(true);
    const id = await idOfHook();
    await after(2000);
    expect(await idOfHook()).toBe(id);
  });

  test("a connection that is killed meanwhile ends the lock, and the release says so", async () => {
    const held = await hold();
    await server.sql(`KILL ${await idOfHook()}`);
    await server.sql("INSERT INTO d.i VALUES (4)");
    const { held: was, problems } = await held.release(true);
    expect(was).toBe(false);
    expect(problems).toMatchObject([
      { kind: "unreachable", found: expect.stringContaining("the connection that held the lock is gone") },
    ]);
  });

  test("the server ends the lock by itself at the deadline, and the release says so", async () => {
    const held = await hold({ deadline: 1000 });
    const began = performance.now();
    await server.sql("INSERT INTO d.i VALUES (5)");
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(performance.now() - began).toBeGreaterThan(300);
    expect(await held.release(true)).toMatchObject({ held: false });
  });

  test.each(["SIGSTOP", "SIGKILL"] as const)(
    "a client under %s holds nobody up beyond the deadline",
    async (signal) => {
      const [program = "", ...words] = [...node, path.join(import.meta.dirname, "mysql-holder.ts")];
      const child = spawn(program, [...words, server.socket, "2000"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      await once(child.stdout, "data");
      const blocked = server.sql("INSERT INTO d.i VALUES (6)");
      expect(await isPending(blocked, 300)).toBe(true);
      child.kill(signal);
      expect(await isPending(blocked, signal === "SIGSTOP" ? 3500 : 500)).toBe(false);
    },
  );

  test("it does not queue behind a statement that runs for longer than lockWait", async () => {
    const long = server.sql("UPDATE d.i SET a = a + SLEEP(3) LIMIT 1 /* a secret text */");
    await after(2100);
    const prepared = await prepare({ lockWait: 1000 });
    const error = await failureIn(prepared.hold(never));
    expect(error).toMatchObject({ kind: "refused" });
    expect(error.message).toMatch(
      /^cannot take the lock BACKUP STAGE BLOCK_COMMIT: statement \d+ of user root has been running for 2 s, and lockWait is 1s; .*KILL QUERY \d+/,
    );
    expect(error.message).not.toContain("secret text");
    expect(await isPending(server.sql("INSERT INTO d.m VALUES (7)"), 500)).toBe(false);
    await long;
  });

  test("a long read stands in the way of the global lock only", async () => {
    const long = server.sql("SELECT SLEEP(3) FROM d.m LIMIT 1");
    await after(2100);
    expect(await failureIn((await prepare({ lock: "global" })).hold(never))).toMatchObject({
      kind: "refused",
    });
    const held = await hold();
    expect(await isPending(long, 1)).toBe(true);
    expect(await held.release(true)).toMatchObject({ held: true });
    await long;
  });

  /** A transaction that keeps the global lock from coming: it has the table locked for writing. */
  const locked = async (): Promise<() => Promise<void>> => {
    const silent = () => () => Buffer.alloc(0);
    const other = await createConnection({
      socketPath: server.socket,
      user: "root",
      authPlugins: { unix_socket: silent },
    });
    onTestFinished(() => other.destroy());
    await other.query("LOCK TABLES d.m WRITE");
    return () => other.end();
  };

  test("a lock that does not come within lockWait fails, and nothing is held or waited for then", async () => {
    const unlock = await locked();
    const prepared = await prepare({ lockWait: 1000 });
    const began = performance.now();
    const error = await failureIn(prepared.hold(never));
    expect(error).toMatchObject({ kind: "refused", code: "ER_LOCK_WAIT_TIMEOUT" });
    expect(error.message).toMatch(/lockWait/);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await isPending(server.sql("INSERT INTO d.i VALUES (8)"), 1000)).toBe(false);
    await unlock();
    expect(await (await prepared.hold(never)).release(true)).toMatchObject({ held: true });
  });

  test("an abort ends the wait for the lock at once, and the server soon forgets it", async () => {
    const unlock = await locked();
    const prepared = await prepare({ lockWait: 20_000, lock: "global" });
    const stop = new AbortController();
    const holding = failureIn(prepared.hold(stop.signal));
    await after(400);
    stop.abort();
    const began = performance.now();
    expect(await holding).toMatchObject({ kind: "interrupted" });
    expect(performance.now() - began).toBeLessThan(5_000);
    await eventually(async () => {
      const waiting = await server.sql(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'FLUSH%'",
      );
      if (waiting !== "0") throw new Error("the server still waits for the lock");
    }, 5000);
    await unlock();
  });

  test("a signal that has aborted lets nothing begin", async () => {
    const stop = AbortSignal.abort();
    const hook = mysqlHook(config(), host);
    expect(await failureIn(hook.prepare(facts, stop))).toMatchObject({ kind: "interrupted" });
    expect(await failureIn((await prepare()).hold(stop))).toMatchObject({ kind: "interrupted" });
    await server.sql("INSERT INTO d.i VALUES (9)");
  });

  test("a replica's position is told", async () => {
    onTestFinished(() => void server.sql("RESET SLAVE ALL"));
    await server.sql(
      "CHANGE MASTER TO MASTER_HOST='db1.example', MASTER_LOG_FILE='bin.000042', MASTER_LOG_POS=4711",
    );
    const { facts: found } = await (await hold()).release(true);
    expect(found["replica"]).toBe("of db1.example at bin.000042:4711");
  });

  test("what the user lacks is told before anything is held, with the statement that grants it", async () => {
    await server.sql("CREATE USER weak@localhost IDENTIFIED BY 'pw-of-weak'");
    onTestFinished(() => void server.sql("DROP USER weak@localhost"));
    const env = { MYSQL_PWD: "pw-of-weak" };
    const error = await failureIn(prepare({ user: "weak" }, env));
    expect(error).toMatchObject({
      kind: "denied",
      found: "the user weak@localhost lacks RELOAD and PROCESS",
    });
    await server.sql(String(error["remedy"]));
    const held = await (await prepare({ user: "weak" }, env)).hold(never);
    expect(await held.release(true)).toMatchObject({
      held: true,
      facts: { binlog: expect.stringMatching(/:\d+$/) },
    });
  });

  test("a position that the user may not read is no reason to fail", async () => {
    await server.sql(
      "CREATE USER poor@localhost IDENTIFIED BY 'x'; GRANT RELOAD, PROCESS ON *.* TO poor@localhost",
    );
    onTestFinished(() => void server.sql("DROP USER poor@localhost"));
    const held = await (await prepare({ user: "poor" }, { MYSQL_PWD: "x" })).hold(never);
    const { held: was, facts: found } = await held.release(true);
    expect(was).toBe(true);
    expect(found["binlog"]).toMatch(/^unknown: .*BINLOG MONITOR/);
  });

  test("a wrong password is denied, and is in no word of it", async () => {
    const directory = await folder();
    const optionFile = path.join(directory, "my.cnf");
    await writeFile(optionFile, `[client]\nsocket=${server.socket}\nuser=nobody\npassword='very#secret'\n`, {
      mode: 0o600,
    });
    const { socket: _, ...rest } = config({ optionFile });
    const error = await failureIn(mysqlHook(rest, host).prepare(facts, never));
    expect(error).toMatchObject({ kind: "denied", code: expect.stringMatching(/^ER_ACCESS_DENIED/) });
    expect(JSON.stringify(error) + error.stack + error.message).not.toContain("very#secret");
    await chmod(optionFile, 0o644);
    expect(await failureIn(mysqlHook(rest, host).prepare(facts, never))).toMatchObject({
      kind: "configuration",
      found: "mode 0644, so others can read it",
      remedy: `chmod 600 ${optionFile}`,
    });
  });

  test("a server that is not there is unreachable", async () => {
    const error = await failureIn(prepare({ socket: path.join(server.directory, "none") }));
    expect(error).toMatchObject({ kind: "unreachable", code: "ENOENT" });
    expect(error.message).toContain("is the server running");
  });

  test("a server that hangs costs no more than the time for it, and what it held is told as lost", async () => {
    const waits = { connect: 400, answer: 400 };
    const pipes = (): number => process.getActiveResourcesInfo().filter((one) => one === "PipeWrap").length;
    // The pipes of the clients that have just ended go first.
    await after(100);
    const before = pipes();
    const hook = mysqlHook(config(), host, waits);
    const prepared = await hook.prepare(facts, never);
    const held = await prepared.hold(never);
    server.signal("SIGSTOP");
    onTestFinished(() => server.signal("SIGCONT"));
    const began = performance.now();
    expect(await failureIn(hook.prepare(facts, never))).toMatchObject({
      kind: "unreachable",
      found: "no answer within 400ms",
    });
    const { held: was, problems } = await held.release(true);
    expect(was).toBe(false);
    expect(problems).toMatchObject([{ found: expect.stringContaining("no answer within 400ms") }]);
    await prepared.close();
    expect(performance.now() - began).toBeLessThan(10_000);
    // No connection is left that would keep the process until the server answers.
    await after(50);
    expect(pipes()).toBe(before);
    server.signal("SIGCONT");
    expect(await isPending(server.sql("INSERT INTO d.i VALUES (10)"), 2000)).toBe(false);
  });

  test("a crash of the server meanwhile is told", async () => {
    const prepared = await prepare();
    const held = await prepared.hold(never);
    await server.crash();
    expect(await held.release(true)).toMatchObject({ held: false, problems: [{ kind: "unreachable" }] });
    expect(await failureIn(prepared.hold(never))).toMatchObject({ kind: "unreachable" });
  });
});
