// Servers that no test machine has, spoken to over the wire: which statements they are sent.
import type { AddressInfo } from "node:net";
import mysql, { type Connection } from "mysql2";
import { expect, onTestFinished, test } from "vitest";
import type { Holding } from "../../src/core/hook.ts";
import type { MysqlHookConfig } from "../../src/core/hook-config.ts";
import { mysqlHook } from "../../src/hooks/mysql.ts";
import { facts, failureIn, never } from "./facts.ts";
import { eventually } from "./servers.ts";

type Rows = readonly Readonly<Record<string, string>>[] | "error";

interface Fake {
  readonly port: number;
  readonly statements: string[];
  /** How many connections are open. */
  open: number;
}

/** The driver's side of a server, which its types leave out. */
interface ServerSide extends Connection {
  sequenceId: number;
  serverHandshake(greeting: object): void;
  writeColumns(columns: readonly object[]): void;
  writeTextRow(values: readonly string[]): void;
  writeEof(): void;
  writeOk(): void;
  writeError(error: { readonly message: string; readonly code: number }): void;
}

const all = "GRANT SELECT, RELOAD, PROCESS, SHOW VIEW ON *.* TO `b`@`%`";
const dynamic = "GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `b`@`%`";

/** A server that gives the answer whose key begins the statement, and no rows to all others. */
async function fake(
  version: string,
  answers: Readonly<Record<string, Rows>> = {},
  refusal?: string,
): Promise<Fake> {
  const statements: string[] = [];
  const made = { port: 0, statements, open: 0 };
  const given: Record<string, Rows> = {
    "SELECT VERSION()": [{ version, comment: "GPL", user: "b@%" }],
    "SELECT CONNECTION_ID()": [{ id: "7" }],
    ...answers,
  };
  const server = mysql.createServer((connection: Connection) => {
    const side = connection as ServerSide;
    side.on("error", () => undefined);
    made.open += 1;
    side.on("end", () => {
      made.open -= 1;
    });
    side.serverHandshake({
      protocolVersion: 10,
      serverVersion: version,
      connectionId: 7,
      statusFlags: 2,
      characterSet: 33,
      capabilityFlags: 0x00ffffff & ~0x800,
      authCallback: (_: unknown, done: (error: null, refused?: object) => void) => {
        done(null, refusal === undefined ? undefined : { message: refusal });
        side.sequenceId = 0;
      },
    });
    const answer = (sql: string): void => {
      statements.push(sql);
      side.sequenceId = 1;
      const found = Object.entries(given).find(([key]) => sql.startsWith(key));
      if (found === undefined && !/^(SELECT|SHOW)/.test(sql)) {
        side.writeOk();
        side.sequenceId = 0;
        return;
      }
      const rows = found?.[1] ?? [];
      if (rows === "error") {
        side.writeError({ message: "something else", code: 1105 });
        side.sequenceId = 0;
        return;
      }
      const names = Object.keys(rows[0] ?? { none: "" });
      side.writeColumns(names.map(columnOf));
      for (const row of rows) side.writeTextRow(names.map((name) => row[name] ?? ""));
      side.writeEof();
      side.sequenceId = 0;
    };
    side.on("query", answer);
    // What the driver takes for a statement that is to be prepared: SET.
    side.on("stmt_prepare", answer);
  });
  const inner = (server as unknown as { _server: import("node:net").Server })._server;
  await new Promise<void>((resolve) => inner.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void inner.close());
  made.port = (inner.address() as AddressInfo).port;
  return made;
}

function columnOf(name: string): object {
  const empty = { catalog: "def", schema: "", table: "", orgTable: "", orgName: name };
  return { ...empty, name, characterSet: 33, columnLength: 255, columnType: 253, flags: 0, decimals: 0 };
}

async function run(server: Fake, lock: MysqlHookConfig["lock"]): Promise<Holding & { locks: string[] }> {
  const config = { kind: "mysql", name: "mysql", port: server.port, user: "b", lockWait: 1000 } as const;
  const hook = mysqlHook(
    { ...config, deadline: 5000, lock, onFailure: "abort" },
    { env: { MYSQL_PWD: "hush-hush" }, home: "/nonexistent", uid: 0 },
  );
  const prepared = await hook.prepare(facts, never);
  onTestFinished(() => prepared.close());
  const holding = await (await prepared.hold(never)).release(true);
  return { ...holding, locks: server.statements.filter((one) => /^(LOCK|UNLOCK|FLUSH|BACKUP)/.test(one)) };
}

const grants = (...lines: string[]): Record<string, Rows> => ({
  "SHOW GRANTS": lines.map((line) => ({ Grants: line })),
});
const tables = (...names: string[]): Record<string, Rows> => ({
  "SELECT CONCAT(table_schema": names.map((name) => ({ name })),
});

test("MySQL 8 with InnoDB alone: DDL is blocked, commits are not, and no position is claimed", async () => {
  const server = await fake("8.0.36", grants(all, dynamic));
  const { locks, held, facts: found } = await run(server, "auto");
  expect(locks).toEqual(["LOCK INSTANCE FOR BACKUP", "UNLOCK INSTANCE"]);
  expect(held).toBe(true);
  expect(found).toEqual({
    server: "MySQL 8.0.36",
    lock: "LOCK INSTANCE FOR BACKUP",
    binlog: "unknown, commits were not blocked",
  });
});

test("MySQL 8 with a MyISAM table: auto blocks the writes to it", async () => {
  const position = [{ File: "binlog.000007", Position: "157", Executed_Gtid_Set: "a:1-5,\nb:1" }];
  const sources = [
    {
      Source_Host: "db1",
      Relay_Source_Log_File: "binlog.000003",
      Exec_Source_Log_Pos: "99",
      Channel_Name: "c",
    },
  ];
  const server = await fake("8.0.36", {
    ...grants(all, dynamic),
    ...tables("d.m (MyISAM)"),
    "SHOW MASTER STATUS": position,
    "SHOW REPLICA STATUS": sources,
  });
  const { locks, held, facts: found } = await run(server, "auto");
  expect(locks).toEqual(["FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"]);
  expect(held).toBe(true);
  expect(found).toMatchObject({
    binlog: "binlog.000007:157",
    gtid: "a:1-5,b:1",
    replica: "c of db1 at binlog.000003:99",
  });
});

test("MySQL 8 with a MyISAM table under the backup lock: not held, and the table is named", async () => {
  const server = await fake("8.0.36", { ...grants(all, dynamic), ...tables("d.m (MyISAM)", "d.c (CSV)") });
  const { locks, held, problems } = await run(server, "backup");
  expect(locks).toEqual(["LOCK INSTANCE FOR BACKUP", "UNLOCK INSTANCE"]);
  expect(held).toBe(false);
  expect(problems).toMatchObject([{ found: expect.stringContaining("d.m (MyISAM), d.c (CSV)") }]);
});

test("MySQL 8.4 knows the binary log by its new name only", async () => {
  const server = await fake("8.4.2", {
    ...grants(all, dynamic),
    "SHOW BINARY LOG STATUS": [{ File: "binlog.000001", Position: "4", Executed_Gtid_Set: "" }],
  });
  expect((await run(server, "global")).facts).toMatchObject({ binlog: "binlog.000001:4" });
});

test.each(["10.3.39-MariaDB", "5.5.5-10.2.44-MariaDB-log", "5.7.44-log"])(
  "%s has no lock milder than the global one",
  async (version) => {
    const server = await fake(version, grants(all));
    expect((await run(server, "auto")).locks).toEqual(["FLUSH TABLES WITH READ LOCK", "UNLOCK TABLES"]);
    expect(await failureIn(run(server, "backup"))).toMatchObject({
      kind: "configuration",
      remedy: expect.stringContaining("lock: global"),
    });
  },
);

test("MySQL 8 asks for what is missing before it takes the milder lock for granted", async () => {
  const server = await fake("8.0.36", grants("GRANT RELOAD, PROCESS ON *.* TO `b`@`%`"));
  expect(await failureIn(run(server, "auto"))).toMatchObject({
    kind: "denied",
    found: "the user b@% lacks SHOW VIEW (to see all tables)",
    remedy: "GRANT RELOAD, PROCESS, REPLICATION CLIENT, SHOW VIEW, BACKUP_ADMIN ON *.* TO 'b'@'%';",
  });
  const other = await fake("8.0.36", grants(all));
  expect(await failureIn(run(other, "auto"))).toMatchObject({
    kind: "denied",
    found: "the user b@% lacks BACKUP_ADMIN",
  });
  // What a role gives is not in the lines, so nothing is refused for its absence.
  const role = await fake("8.0.36", grants("GRANT USAGE ON *.* TO `b`@`%`", "GRANT `backup`@`%` TO `b`@`%`"));
  expect(await run(role, "auto")).toMatchObject({ held: true });
});

test("a failure after the lock was taken leaves nothing held: the connection is cut at once", async () => {
  const server = await fake("8.0.36", { ...grants(all), "SHOW MASTER STATUS": "error" });
  expect(await failureIn(run(server, "global"))).toMatchObject({ found: "something else" });
  expect(server.statements).toContain("FLUSH TABLES WITH READ LOCK");
  await eventually(async () => expect(server.open).toBe(0), 1000);
});

test("a password that the server repeats is in no word of the failure", async () => {
  const server = await fake("8.0.36", {}, "no entry with\nhush-hush here");
  const error = await failureIn(run(server, "auto"));
  expect(error).toMatchObject({ kind: "denied", found: "no entry with *** here" });
  expect(JSON.stringify(error) + error.message).not.toContain("hush-hush");
});
