import { describe, expect, it } from "vitest";
import { dumpRecords } from "../../src/config/dump-records.ts";
import { parseConfig } from "../../src/config/parse-whole.ts";

const file = `version: 1
repositories:
  central: { url: /srv/restic, passwordFile: /etc/ec2-backup/central.password }
jobs:
  nightly:
    dumps:
      - mysql: { name: shop, repository: central, databases: [shop, crm], optionFile: /root/.my.cnf, timeout: 2h }
      - postgres: { name: pg, repository: central, databases: all, exclude: [test], globals: false, user: postgres }
      - mongodb:
          name: tracks
          repository: central
          database: tracks
          collections: [wind]
          format: json
          schedule: "0 4 * * 0"
      - redis: { name: cache, repository: central, socket: /run/redis/redis.sock, idleTimeout: 5m }
      - command: { name: ldap, repository: central, run: [slapcat, -n, "1"], file: ldap.ldif, user: openldap }
`;

const expected = [
  {
    kind: "mysql",
    name: "shop",
    repository: "central",
    databases: ["shop", "crm"],
    optionFile: "/root/.my.cnf",
    timeout: 7_200_000,
  },
  {
    kind: "postgres",
    name: "pg",
    repository: "central",
    databases: "all",
    exclude: ["test"],
    globals: false,
    user: "postgres",
  },
  {
    kind: "mongodb",
    name: "tracks",
    repository: "central",
    database: "tracks",
    collections: ["wind"],
    format: "json",
    schedule: "0 4 * * 0",
  },
  {
    kind: "redis",
    name: "cache",
    repository: "central",
    socket: "/run/redis/redis.sock",
    idleTimeout: 300_000,
  },
  {
    kind: "command",
    name: "ldap",
    repository: "central",
    run: ["slapcat", "-n", "1"],
    file: "ldap.ldif",
    user: "openldap",
  },
];

describe("dumps of the file", () => {
  it("are read as dumps take them, with nothing filled in", () => {
    const parsed = parseConfig(file, "config.yaml");
    expect(parsed).toMatchObject({ ok: true });
    if (!parsed.ok) return;
    expect(parsed.file.config.jobs?.["nightly"]?.dumps).toEqual(expected);
  });

  it("are kept and read again as they are", () => {
    const again = JSON.parse(JSON.stringify(expected));
    expect(dumpRecords.parse(again)).toEqual(expected);
    const doubtful = [
      { ...expected[0], kind: "oracle" },
      { ...expected[0], timeout: 8 * 86_400_000 },
      { ...expected[0], password: "x" },
      { ...expected[3], socket: "redis.sock" },
      { ...expected[4], run: [] },
      { ...expected[4], file: "../x" },
      { ...expected[4], name: "../x" },
    ];
    for (const one of doubtful) expect(dumpRecords.safeParse([one]).success).toBe(false);
  });
});
