import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MysqlHookConfig } from "../../src/core/hook-config.ts";
import { targetOf } from "../../src/hooks/mysql-options.ts";
import { optionLines } from "../../src/hooks/option-file.ts";
import { folder, has, need } from "../host/places.ts";
import { failureIn } from "./facts.ts";

const run = promisify(execFile);
const host = { env: {}, home: "/nonexistent", uid: process.getuid?.() };

function config(optionFile: string, more: Partial<MysqlHookConfig> = {}): MysqlHookConfig {
  const rest = { lockWait: 1000, deadline: 1000, lock: "auto", onFailure: "abort" } as const;
  return { kind: "mysql", name: "mysql", optionFile, ...rest, ...more };
}

async function fileOf(text: string, mode = 0o600): Promise<string> {
  const file = path.join(await folder(), "my.cnf");
  await writeFile(file, text, { mode });
  await chmod(file, mode);
  return file;
}

/** The options of group client as the servers' own program reads them. */
async function theirs(file: string): Promise<string[]> {
  const { stdout } = await run("my_print_defaults", [`--defaults-file=${file}`, "client"]);
  return stdout.split("\n").filter((line) => line !== "");
}

function ours(text: string): string[] {
  let group = "";
  return optionLines(text).flatMap((line) => {
    if (line.kind === "group") group = line.name;
    if (line.kind !== "option" || group !== "client") return [];
    return [line.value === undefined ? `--${line.name}` : `--${line.name}=${line.value}`];
  });
}

const lines = [
  "user = a b # comment",
  "password=x#y",
  "password='x#y'",
  'password="p\\"q#r"',
  "socket='q\\sz'",
  "port=1\\d2",
  "host=a\\tb\\\\c",
  "password='it''s'",
  "password='mixed\"",
  'password="\'"',
  "password='",
  "password=",
  "password",
  "password = = =",
  "   ssl-ca   =   /x y/z   ",
  "; comment",
  "# comment",
  "[mysqld]",
  "[ client ]",
  "[client]",
  "host=a;b",
];

test("option files mean to us what they mean to the servers' own program", async (context) => {
  need(context, has("my_print_defaults"), "my_print_defaults of mariadb-client");
  const piece = fc.constantFrom("a", " ", "'", '"', "\\", "#", "=", "s", "t", ";");
  const line = fc.oneof(
    fc.constantFrom(...lines),
    fc.array(piece, { maxLength: 8 }).map((parts) => `password=${parts.join("")}`),
  );
  const text = fc.array(line, { maxLength: 6 }).map((all) => ["[client]", ...all].join("\n"));
  const numRuns = process.env["SOAK"] ? 1000 : 60;
  const seed = Date.now() % 2 ** 31;
  console.log(`option files: seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(text, async (content) => {
      const file = await fileOf(`${content}\n`);
      expect(ours(content)).toEqual(await theirs(file));
    }),
    { numRuns, seed },
  );
});

test("later values win, whatever the client's group, and those of the server do not count", async () => {
  const text = [
    "[client-server]\nsocket=/a\nuser=one",
    "[mysqld]\nuser=mysql\nsocket=/server",
    "[mariadb]\nuser=mysql",
    "[client]\nuser=two\npassword=p",
    "[mysql]\nloose-user=three",
  ].join("\n");
  expect(await targetOf(config(await fileOf(text)), host)).toEqual({
    socketPath: "/a",
    user: "three",
    password: "p",
  });
});

test("what the job names wins over the option file, and that over the environment", async () => {
  const file = await fileOf("[client]\nuser=u\npassword=p\nhost=db\nport=3307");
  const env = { MYSQL_PWD: "env" };
  expect(await targetOf(config(file), { ...host, env })).toEqual({
    host: "db",
    port: 3307,
    user: "u",
    password: "p",
  });
  expect(await targetOf(config(file, { socket: "/s", user: "v" }), { ...host, env })).toEqual({
    socketPath: "/s",
    user: "v",
    password: "p",
  });
  const bare = await fileOf("[client]\nsocket=/s\nhost=localhost\nport=3307");
  expect(await targetOf(config(bare), { ...host, uid: 0, env })).toEqual({
    socketPath: "/s",
    user: "root",
    password: "env",
  });
  expect(await targetOf(config(bare, { port: 3308 }), host)).toMatchObject({ host: "127.0.0.1", port: 3308 });
});

test("included files and directories are read in place, those of other endings are not, circles end", async () => {
  const directory = await folder();
  const parts = path.join(directory, "parts");
  await mkdir(parts);
  await writeFile(path.join(parts, "b.cnf"), "[client]\nuser=b\n");
  await writeFile(path.join(parts, "a.cnf"), "[client]\nuser=a\nsocket=/a\n");
  await writeFile(path.join(parts, "c.txt"), "[client]\nuser=c\n");
  await writeFile(path.join(directory, "one.cnf"), `!include ${directory}/one.cnf\n[client]\npassword=one\n`);
  const file = path.join(directory, "my.cnf");
  const text = `[client]\nuser=first\n!includedir ${parts}/\n!include ${directory}/one.cnf\n!include /none.cnf\n`;
  await writeFile(file, text, { mode: 0o600 });
  expect(await targetOf(config(file), host)).toEqual({ socketPath: "/a", user: "b", password: "one" });
});

test("a CA makes the certificate be checked", async () => {
  const ca = await fileOf("PEM");
  expect(await targetOf(config(await fileOf(`[client]\nhost=db\nssl-ca=${ca}`)), host)).toMatchObject({
    ssl: { ca: "PEM", rejectUnauthorized: true, verifyIdentity: false },
  });
  const full = `[client]\nhost=db\nssl_ca=${ca}\nssl-mode=VERIFY_IDENTITY`;
  expect(await targetOf(config(await fileOf(full)), host)).toMatchObject({ ssl: { verifyIdentity: true } });
  expect(await targetOf(config(await fileOf("[client]\nhost=db\nssl")), host)).toMatchObject({
    ssl: { rejectUnauthorized: false },
  });
  expect(await targetOf(config(await fileOf("[client]\nhost=db")), host)).not.toHaveProperty("ssl");
});

test.each([
  ["a missing file", undefined, 0o600, "no such file"],
  ["a password that others can read", "[client]\npassword=hush", 0o640, "mode 0640, so others can read it"],
  ["a file that everybody can write", "[client]\nuser=u", 0o666, "everybody can write it"],
  ["a port that is no number", "[client]\nport=x", 0o600, "no whole number"],
])("%s is refused in words that keep the secret", async (_, text, mode, found) => {
  const file = text === undefined ? "/nonexistent/my.cnf" : await fileOf(text, mode);
  const error = await failureIn(targetOf(config(file), host));
  expect(error).toMatchObject({ kind: "configuration", found });
  expect(error.message).not.toContain("hush");
});
