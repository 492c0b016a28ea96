import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { MongodbDumpConfig } from "../../src/core/dump-config.ts";
import { folder, isLinux } from "../host/places.ts";
import { script, sources, textOf, written } from "./dumping.ts";
import { type FakeMongod, fakeMongod } from "./fake-mongod.ts";

const base = { kind: "mongodb", name: "tracks", repository: "central" } as const;

/** Programs that print what they were given; their stdin too, as what asks for a password reads it. */
async function standIns(): Promise<string> {
  const place = await folder();
  for (const name of ["mongodump", "mongoexport"]) await script(place, name, `echo ${name} "$@"`, "cat");
  return place;
}

function has(mongod: FakeMongod, ...names: readonly string[]): void {
  const firstBatch = [
    ...names.map((name) => ({ name, type: "collection" })),
    { name: "seen", type: "view" },
    { name: "system.views", type: "collection" },
  ];
  const cursor = { id: 0, ns: "tracks.$cmd.listCollections", firstBatch };
  mongod.faults.push({ command: "listCollections", fault: { ok: 1, cursor } } as never);
}

async function dumped(config: Partial<MongodbDumpConfig>) {
  return sources({ ...base, programs: await standIns(), ...config });
}

describe.skipIf(!isLinux)("dumps of MongoDB, by programs that stand for its own", () => {
  it("take the whole server as one archive, and ask it nothing", async () => {
    const streams = await dumped({});
    expect(streams).toMatchObject([
      { series: "tracks", source: { file: "tracks.archive" }, tags: { kind: "mongodb", format: "archive" } },
    ]);
    expect(await textOf(streams[0] as never)).toBe("mongodump --uri=mongodb://127.0.0.1:27017 --archive\n");
  });

  it("take a database that is there, and refuse one that is not", async () => {
    const mongod = await fakeMongod();
    has(mongod, "wind");
    const [stream] = await dumped({
      uri: mongod.uri,
      database: "tracks",
      options: ["--readPreference=secondary"],
    });
    expect(stream).toMatchObject({
      series: "tracks",
      source: { file: "tracks.archive" },
      tags: { database: "tracks" },
    });
    expect(await textOf(stream as never)).toBe(
      `mongodump --uri=${mongod.uri} --db=tracks --archive --readPreference=secondary\n`,
    );
    has(mongod);
    await expect(dumped({ uri: mongod.uri, database: "tracks" })).rejects.toMatchObject({
      kind: "not-found",
    });
  });

  it("take each collection as JSON in a series of its own, and miss none silently", async () => {
    const mongod = await fakeMongod();
    has(mongod, "wind", "no wind/x");
    const config = { uri: mongod.uri, database: "tracks", format: "json" } as const;
    const streams = await dumped({ ...config, collections: ["wind", "gone", "no wind/x"] });
    expect(streams.map(({ series, source }) => [series, source.file])).toEqual([
      ["tracks/wind", "tracks.wind.json"],
      ["tracks/gone", "tracks.gone.json"],
      ["tracks/no%20wind%2Fx", "tracks.no%20wind%2Fx.json"],
    ]);
    const [wind, gone, odd] = streams;
    expect(await textOf(wind as never)).toBe(
      `mongoexport --uri=${mongod.uri} --db=tracks --jsonFormat=canonical --collection=wind\n`,
    );
    await expect(written(gone as never)).rejects.toMatchObject({
      kind: "not-found",
      found: /no such collection/,
    });
    expect(await textOf(odd as never)).toMatch(/--collection=no wind\/x\n/);
    has(mongod, "b", "a");
    expect((await dumped(config)).map(({ series }) => series)).toEqual(["tracks/a", "tracks/b"]);
  });

  it("give the password by stdin, and never by an argument", async () => {
    const passwordFile = path.join(await folder(), "password");
    await writeFile(passwordFile, "correct-horse\n", { mode: 0o600 });
    const [stream] = await dumped({ user: "backup", passwordFile });
    const text = await textOf(stream as never);
    expect(text).toBe(
      "mongodump --uri=mongodb://127.0.0.1:27017 --username=backup --authenticationDatabase=admin --archive\ncorrect-horse\n",
    );
    await chmod(passwordFile, 0o644);
    await expect(dumped({ user: "backup", passwordFile })).rejects.toMatchObject({ kind: "configuration" });
  });

  it("log in where the address says", async () => {
    const of = async (uri: string) =>
      (await textOf((await dumped({ uri, user: "backup" }))[0] as never)).split(" ");
    expect(await of("mongodb://h/shop?tls=true")).toContain("--authenticationDatabase=shop");
    expect((await of("mongodb://h/?authSource=x")).join(" ")).not.toMatch(/authenticationDatabase/);
  });

  it("are no good when the program dies half-way, with its words", async () => {
    const programs = await folder();
    await script(
      programs,
      "mongodump",
      "echo half",
      "echo 'Failed: error creating intents: not authorized' >&2",
      "kill -9 $$",
    );
    const [stream] = await dumped({ programs });
    await expect(written(stream as never)).rejects.toMatchObject({
      kind: "denied",
      found: /ended by SIGKILL; it said: Failed: error creating intents: not authorized/,
    });
    const missing = await folder();
    await expect(dumped({ programs: missing })).rejects.toMatchObject({ kind: "configuration" });
  });
});
