import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { resolve } from "../../src/config/resolve.ts";
import { type DatabaseHook, tryLogin } from "../../src/hooks/database-login.ts";
import { fileOf } from "../config/file-of.ts";
import { folder } from "../host/places.ts";
import { never } from "./facts.ts";
import { fakeMongod } from "./fake-mongod.ts";
import { describeWith, startMariadb, startPostgres, startRedis } from "./servers.ts";

const host = { env: { PATH: process.env["PATH"] }, home: "/root", uid: process.getuid?.() };

/** The hook as a configuration file makes it. */
function hookOf(written: object): DatabaseHook {
  const text = JSON.stringify({ version: 1, jobs: { db: { hooks: [written] } } });
  return resolve({ file: fileOf(`${text}\n`), tags: {} }).jobs[0]?.hooks[0] as DatabaseHook;
}

const login = (written: object) => tryLogin(hookOf(written), host, never);

async function secretFile(text: string): Promise<string> {
  const file = path.join(await folder(), "secret");
  await writeFile(file, text, { mode: 0o600 });
  await chmod(file, 0o600);
  return file;
}

describeWith(["mariadb"], "a login to MariaDB", () => {
  test("tells which rights are missing, and takes no lock", async () => {
    const server = await startMariadb();
    onTestFinished(() => server.stop());
    await server.sql("CREATE USER agent@localhost IDENTIFIED BY 'secret'");
    const optionFile = await secretFile("[client]\nuser=agent\npassword=secret\n");
    const hook = { mysql: { optionFile, socket: server.socket } };
    await expect(login(hook)).rejects.toMatchObject({
      kind: "denied",
      found: /lacks RELOAD and PROCESS/,
      remedy: /^GRANT .* TO 'agent'@'localhost';$/,
    });
    await server.sql("GRANT RELOAD, PROCESS ON *.* TO agent@localhost");
    const before = await server.sql("SHOW GLOBAL STATUS LIKE 'Com_backup%'");
    await expect(login(hook)).resolves.toEqual({ untested: [] });
    expect(await server.sql("SHOW GLOBAL STATUS LIKE 'Com_backup%'")).toBe(before);
    expect(await server.sql("SHOW GLOBAL STATUS LIKE 'Com_flush'")).toMatch(/\s0$/);
    await server.sql("ALTER USER agent@localhost IDENTIFIED BY 'other'");
    await expect(login(hook)).rejects.toMatchObject({ kind: "denied", found: /Access denied/ });
  });
});

describeWith(["postgres"], "a login to PostgreSQL", () => {
  test("tells which rights are missing, and makes no checkpoint", async () => {
    const server = await startPostgres();
    onTestFinished(() => server.stop());
    const hook = { postgres: { host: server.host } };
    const checkpoint = () => server.sql("SELECT checkpoint_lsn FROM pg_control_checkpoint()");
    const before = await checkpoint();
    await expect(login(hook)).resolves.toEqual({ untested: [] });
    expect(await checkpoint()).toBe(before);
    await expect(login({ postgres: { host: server.host, role: "nobody-here" } })).rejects.toMatchObject({
      kind: "denied",
    });
  });
});

describeWith(["redis"], "a login to Redis", () => {
  test("tells which rights are missing, and saves nothing", async () => {
    const server = await startRedis();
    onTestFinished(() => server.stop());
    const saved = await server.cli("LASTSAVE");
    const open = { redis: { socket: server.socket } };
    await expect(login(open)).resolves.toEqual({ untested: [] });
    await server.cli("ACL", "SETUSER", "agent", "on", ">secret", "+info", "+lastsave", "+acl|dryrun");
    const passwordFile = await secretFile("secret\n");
    const agent = { redis: { socket: server.socket, user: "agent", passwordFile } };
    await expect(login(agent)).rejects.toMatchObject({
      kind: "denied",
      found: /bgsave/i,
      remedy: /^ACL SETUSER agent .*\+bgsave/,
    });
    await server.cli("ACL", "SETUSER", "agent", "+bgsave", "+bgrewriteaof");
    await expect(login(agent)).resolves.toEqual({ untested: [] });
    await server.cli("ACL", "SETUSER", "agent", "-acl|dryrun");
    await expect(login(agent)).resolves.toMatchObject({ untested: [{ what: /BGSAVE and BGREWRITEAOF/ }] });
    await server.cli("ACL", "SETUSER", "agent", "resetpass", ">other");
    await expect(login(agent)).rejects.toMatchObject({ kind: "denied", found: /WRONGPASS|invalid/ });
    expect(await server.cli("LASTSAVE")).toBe(saved);
  });
});

describe("a login to MongoDB", () => {
  const status = (actions: readonly string[]) => ({
    ok: 1,
    authInfo: {
      authenticatedUsers: [{ user: "agent", db: "admin" }],
      authenticatedUserPrivileges: [{ resource: { cluster: true }, actions }],
    },
  });

  test("tells which rights are missing, and locks nothing", async () => {
    const mongod = await fakeMongod();
    const hook = { mongodb: { uri: mongod.uri } };
    mongod.faults.push({ command: "connectionStatus", fault: status(["fsync"]) });
    await expect(login(hook)).rejects.toMatchObject({
      kind: "denied",
      found: "the user lacks unlock",
      remedy: /grantRolesToUser\(.*hostManager/,
    });
    mongod.faults.push({ command: "connectionStatus", fault: status(["fsync", "unlock"]) });
    await expect(login(hook)).resolves.toEqual({ untested: [] });
    expect(mongod.commands).not.toContain("fsync");
    expect(mongod.locks).toBe(0);
  });

  test("asks a server that knows nobody whether it lets everybody", async () => {
    const mongod = await fakeMongod();
    const hook = { mongodb: { uri: mongod.uri } };
    await expect(login(hook)).resolves.toEqual({ untested: [] });
    const refusal = { ok: 0, code: 13, codeName: "Unauthorized", errmsg: "command requires authentication" };
    mongod.faults.push({ command: "currentOp", fault: refusal });
    await expect(login(hook)).rejects.toMatchObject({ kind: "denied" });
  });
});
