import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { dumpLoading } from "../../src/core/dump-loading.ts";
import { dumpRestoreWords } from "../../src/core/dump-restore-words.ts";

describe("how a dump is loaded again", () => {
  it.each([
    [{ kind: "mysql", format: "sql", database: "shop" }, "mariadb < /r/shop.sql"],
    [{ kind: "mysql", format: "sql" }, "mariadb < /r/shop.sql"],
    [{ kind: "postgres", format: "globals" }, "psql -X -d postgres -f /r/shop.sql"],
    [
      { kind: "postgres", format: "custom", database: "shop" },
      "pg_restore --create --exit-on-error -d postgres /r/shop.sql",
    ],
    [{ kind: "mongodb", format: "archive" }, "mongorestore --archive=/r/shop.sql"],
    [
      { kind: "mongodb", format: "json", database: "tracks", collection: "wind" },
      "mongoimport --db=tracks --collection=wind --file=/r/shop.sql",
    ],
    [
      { kind: "redis", format: "rdb" },
      "install -o redis -g redis -m 660 /r/shop.sql /var/lib/redis/dump.rdb",
    ],
  ])("%o: %s", (tags, line) => {
    expect(dumpRestoreWords(tags, "/r/shop.sql").lines).toEqual([line]);
  });

  it("is told by the tags of its point, and of no other point", () => {
    const snapshot = {
      tags: { "ec2-backup:kind": "postgres", "ec2-backup:format": "globals", kind: "mysql", format: "sql" },
    };
    const point = (content: string) =>
      ({ snapshots: [snapshot], stored: { content } }) as unknown as Parameters<typeof dumpLoading>[0];
    expect(dumpLoading(point("dump"), "/r/globals.sql")?.lines).toEqual([
      "psql -X -d postgres -f /r/globals.sql",
    ]);
    expect(dumpLoading(point("files"), "/r/x")).toBeUndefined();
  });

  it("says of what it does not know only what it is", () => {
    for (const tags of [{}, { kind: "command", format: "bytes" }, { kind: "x; rm -rf /", format: "sql" }])
      expect(dumpRestoreWords(tags, "/r/x")).toEqual({
        notes: ["It is what the program of the dump printed."],
        lines: [],
      });
  });

  it("never lets a tag or a path become a command", () => {
    const odd = "a'; touch /tmp/no $(id) `id`\n#";
    const [line = ""] = dumpRestoreWords(
      { kind: "mongodb", format: "json", database: odd, collection: odd },
      odd,
    ).lines;
    const words = execFileSync("sh", ["-c", `mongoimport() { printf '%s\\n' "$@"; }; ${line}`], {
      encoding: "utf8",
    });
    const safe = odd.replace("\n", "\\u{a}");
    expect(words).toBe(`--db=${safe}\n--collection=${safe}\n--file=${safe}\n`);
    expect(line).not.toMatch(/\n/);
  });
});
