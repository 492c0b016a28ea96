// How the programs of databases are started, by programs that print what they were given in place of a dump.
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { DumpConfig } from "../../src/core/dump-config.ts";
import { folder, isLinux, isRoot, need } from "../host/places.ts";
import { script, sources, textOf, written } from "./dumping.ts";

const hex = (name: string): string => Buffer.from(name).toString("hex");

/** Dump programs that print their words, and clients that know these databases. */
async function programs(databases: readonly string[]): Promise<string> {
  const place = await folder();
  await chmod(place, 0o755);
  for (const name of ["mariadb-dump", "pg_dump", "pg_dumpall", "redis-cli"])
    await script(place, name, 'for one; do echo "$one"; done', "env | sort");
  const lines = databases.map((name) => `echo ${hex(name)}`);
  await script(place, "psql", ...lines);
  await script(place, "mariadb", ...lines.map((line) => line.toUpperCase().replace("ECHO", "echo")));
  return place;
}

const common = { repository: "central" } as const;
const odd = "ö/ .b";

describe.skipIf(!isLinux)("the dumps of MariaDB and MySQL", () => {
  const base = { ...common, kind: "mysql", name: "shop" } as const;

  it("are one for each database that is not the server's own view", async () => {
    const place = await programs([
      "shop",
      "mysql",
      "sys",
      "information_schema",
      "performance_schema",
      "test",
      odd,
    ]);
    const streams = await sources({
      ...base,
      programs: place,
      exclude: ["test"],
      socket: "/run/s",
      user: "backup",
    });
    expect(streams.map(({ series, source, tags }) => [series, source.file, tags["database"]])).toEqual([
      ["shop/mysql", "mysql.sql", "mysql"],
      ["shop/shop", "shop.sql", "shop"],
      ["shop/%C3%B6%2F%20.b", "%C3%B6%2F%20.b.sql", odd],
    ]);
    const text = await textOf(streams[1] as never);
    expect(text).toMatch(/^--socket=\/run\/s\n--user=backup\n--single-transaction\n/);
    expect(text).toMatch(/--routines\n--events\n--triggers\n/);
    expect(text).toMatch(/--databases\n--\nshop\n/);
    expect(await textOf(streams[0] as never)).toMatch(/--flush-privileges\n--databases\n--\nmysql\n/);
  });

  it("are one of one instant where that is wished", async () => {
    const place = await programs(["a", "b", "test"]);
    const one = async (config: Partial<DumpConfig>) => {
      const streams = await sources({ ...base, programs: place, together: true, ...config } as DumpConfig);
      expect(streams.map(({ series, source }) => [series, source.file])).toEqual([["shop", "shop.sql"]]);
      return textOf(streams[0] as never);
    };
    expect(await one({})).toMatch(/--all-databases\n--flush-privileges\n/);
    expect(await one({ exclude: ["test"] })).toMatch(/--databases\n--\na\nb\n/);
    expect(await one({ databases: ["-x", "b"], lock: "tables", options: ["--ignore-table=a.b"] })).toMatch(
      /^--lock-tables\n[\s\S]*\n--ignore-table=a.b\n--databases\n--\n-x\nb\n/,
    );
  });

  it("say what is wrong when the server shows none, or answers something else", async () => {
    const none = await programs(["sys"]);
    await expect(sources({ ...base, programs: none })).rejects.toMatchObject({
      kind: "not-found",
      found: "only sys",
    });
    await script(none, "mariadb", "echo shop");
    await expect(sources({ ...base, programs: none })).rejects.toMatchObject({ kind: "unexpected" });
    await script(none, "mariadb", 'echo "ERROR 1045 (28000): Access denied for user" >&2; exit 1');
    await expect(sources({ ...base, programs: none })).rejects.toMatchObject({ kind: "denied" });
  });

  it("log in by an option file that comes first and that others cannot read", async () => {
    const place = await programs(["shop"]);
    const optionFile = path.join(await folder(), "cnf");
    const config = { ...base, programs: place, optionFile };
    await expect(sources(config)).rejects.toMatchObject({ found: "no such file" });
    await writeFile(optionFile, "[client]\npassword=secret\n", { mode: 0o600 });
    const [stream] = await sources(config, { env: { MYSQL_PWD: "of-the-agent" } });
    const text = await textOf(stream as never);
    expect(text).toMatch(new RegExp(`^--defaults-file=${optionFile}\n`));
    expect(text).not.toMatch(/of-the-agent|secret/);
    await chmod(optionFile, 0o644);
    await expect(sources(config)).rejects.toMatchObject({ kind: "configuration", found: /others can read/ });
    await writeFile(optionFile, "[client]\nuser=x\n");
    await expect(sources(config)).resolves.toHaveLength(1);
  });
});

describe.skipIf(!isLinux)("the dumps of PostgreSQL", () => {
  const base = { ...common, kind: "postgres", name: "pg", role: "backup" } as const;

  it("are what all share, and one for each database, with nothing of the login in the words", async () => {
    const place = await programs(["postgres", "globals", "host=evil dbname=x"]);
    const streams = await sources(
      {
        ...base,
        programs: place,
        host: "/run/pg",
        port: 5433,
        passFile: "/root/.pgpass",
        options: ["--schema=a"],
      },
      { env: { PGPASSWORD: "correct-horse", HOME: "/x", AWS_PROFILE: "x" } },
    );
    expect(streams.map(({ series, source, tags }) => [series, source.file, tags["format"]])).toEqual([
      ["pg/globals", "globals.sql", "globals"],
      ["pg/postgres", "postgres.dump", "custom"],
      ["pg/%67lobals", "globals.dump", "custom"],
      ["pg/host%3Devil%20dbname%3Dx", "host%3Devil%20dbname%3Dx.dump", "custom"],
    ]);
    expect(await textOf(streams[0] as never)).toMatch(
      /^--globals-only\n--no-password\n--database=postgres\n/,
    );
    const text = await textOf(streams[3] as never);
    const [words = "", env = ""] = text.split(/(?=\nHOME=)/);
    expect(words).toMatch(/^--format=custom\n--compress=0\n--no-password\n--schema=a/);
    expect(words).not.toMatch(/evil|correct-horse|5433/);
    expect(env).toMatch(/PGDATABASE=host=evil dbname=x\n/);
    expect(env).toMatch(/PGHOST=\/run\/pg\n/);
    expect(env).toMatch(/PGPASSFILE=\/root\/.pgpass\nPGPASSWORD=correct-horse\nPGPORT=5433\nPGUSER=backup/);
    expect(env).not.toMatch(/AWS/);
  });

  it("are those that are named, without globals where that is said, and a missing one fails alone", async () => {
    const place = await programs([]);
    await script(
      place,
      "pg_dump",
      'test "$PGDATABASE" = crm && echo \'pg_dump: error: connection to server on socket "/s" failed: FATAL:  database "crm" does not exist\' >&2 && exit 1',
      "echo fine",
    );
    const streams = await sources({ ...base, programs: place, databases: ["crm", "shop"], globals: false });
    expect(streams.map(({ series }) => series)).toEqual(["pg/crm", "pg/shop"]);
    await expect(written(streams[0] as never)).rejects.toMatchObject({ kind: "not-found" });
    expect(await textOf(streams[1] as never)).toBe("fine\n");
  });

  it("run as the system's user postgres where root says nothing else", async (context) => {
    need(context, isRoot, "root, to become another user");
    const place = await programs(["postgres"]);
    await script(place, "pg_dump", "id -un");
    const config = { kind: "postgres", name: "pg", ...common, globals: false, programs: place } as const;
    expect(await textOf((await sources(config))[0] as never)).toBe("postgres\n");
    expect(await textOf((await sources({ ...config, user: "nobody" }))[0] as never)).toBe("nobody\n");
    expect(await textOf((await sources({ ...config, role: "x" }))[0] as never)).toBe("root\n");
  });
});

describe.skipIf(!isLinux)("the dump of Redis", () => {
  it("gives the password by the environment alone", async () => {
    const passwordFile = path.join(await folder(), "password");
    await writeFile(passwordFile, "correct-horse\n", { mode: 0o600 });
    const place = await programs([]);
    const [stream, ...more] = await sources({
      kind: "redis",
      name: "cache",
      ...common,
      programs: place,
      host: "db",
      port: 7000,
      user: "backup",
      passwordFile,
    });
    expect(more).toEqual([]);
    expect(stream).toMatchObject({ series: "cache", source: { file: "cache.rdb" }, tags: { format: "rdb" } });
    const text = await textOf(stream as never);
    expect(text).toMatch(/^-h\ndb\n-p\n7000\n--user\nbackup\n--no-auth-warning\n--rdb\n-\n/);
    expect(text).toMatch(/^REDISCLI_AUTH=correct-horse$/m);
    await script(place, "redis-cli", 'echo "AUTH failed: WRONGPASS for $REDISCLI_AUTH" >&2; exit 1');
    await expect(written(stream as never)).rejects.toMatchObject({
      kind: "denied",
      found: /WRONGPASS for \*\*\*/,
    });
  });
});
