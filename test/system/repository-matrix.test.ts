import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Store, StoredEntry } from "../../src/core/store-ports.ts";
import { everythingOf, makeOddTree, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { folder, isRoot, need } from "../host/places.ts";
import {
  cheapenOf,
  configured,
  local,
  needStore,
  pairsOf,
  ready,
  rest,
  type StoreKind,
  s3,
  sftp,
} from "./stores/kinds.ts";
import { opened } from "./stores/opened.ts";
import { currentResticOf, needRestic } from "./stores/restics.ts";
import type { StoreServer } from "./stores/store-server.ts";

const ever = new AbortController();
afterAll(() => ever.abort());
const { signal } = ever;
const quiet = () => undefined;

async function entriesOf(store: Store, snapshot: string): Promise<readonly StoredEntry[]> {
  const found: StoredEntry[] = [];
  for await (const one of store.list(snapshot, { path: "/", recursive: true }, signal)) found.push(one);
  return found;
}

/** Writes lines to a descriptor, as a dump does. */
async function counting(output: number): Promise<void> {
  const child = spawn("seq", ["1", "300000"], { stdio: ["ignore", output, "inherit"] });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`seq ended with ${code}`);
}

async function fileOf(store: Store, snapshot: string, stored: string, to: string): Promise<Buffer> {
  const output = openSync(to, "w");
  await store.dump(snapshot, stored, output, signal).finally(() => closeSync(output));
  return readFileSync(to);
}

/** What restic 0.14 does not give back: holes; all else must be the same. */
const lookAt = (directory: string, version: string) => {
  const all = everythingOf(directory);
  return version.startsWith("0.14") ? all.replace(/^(sparse|full)$/m, "(holes are not looked at)") : all;
};

/** Where the mirror is: with SOAK=1 on a server of another kind, and at most one of the two has a certificate. */
const mirrorOf = (kind: StoreKind): StoreKind => {
  if (process.env["SOAK"] === undefined) return local;
  return kind === sftp ? s3 : kind === local ? rest : sftp;
};

// test/engines/restic-servers.test.ts has the other pairs.
// They wait for most of their time: restic alone a fifth of a second whenever it takes its lock.
test.concurrent.for(pairsOf(currentResticOf()))(
  "in $kind.name, $restic.name restic saves, gives back, mirrors, forgets, prunes and checks",
  { timeout: 600_000 },
  async ({ kind, restic }, context) => {
    const program = needRestic(context, restic);
    need(context, oddTreeCan && isRoot, oddTreeNeed);
    await using server = await needStore(context, kind);
    await using elsewhere = await needStore(context, mirrorOf(kind));
    const work = await folder(context);
    makeOddTree(work);
    const tree = path.join(work, "tree");
    const beside = path.join(work, "beside");
    mkdirSync(beside);
    for (const name of ["x.left-out", "kept"]) writeFileSync(path.join(beside, name), name);
    const before = lookAt(work, restic.version);
    const at = (name: string) => path.join(work, name);
    const of = async (place: StoreServer, name: string) =>
      opened(await configured(place.repository(name), name, at("conf"), { program }), at("state"), signal);

    // There is none before it is made, and it is made once.
    const store = await of(server, "central");
    await expect(store.open(signal)).rejects.toMatchObject({ kind: "not-found" });
    const made = await store.init(signal);
    expect(made).toMatchObject({ program: restic.version, formatVersion: 2 });
    expect(await store.open(signal)).toEqual(made);
    await cheapenOf(server, store.config);
    await expect(store.init(signal)).rejects.toThrow();

    const order = (point: string) => ({
      tags: [`ec2-backup:point=${point}`, "a, b"],
      host: "matrix",
      // restic is told whole seconds.
      time: new Date(Math.floor(Date.now() / 1000) * 1000),
    });
    const files = {
      ...order("files"),
      paths: [tree, beside],
      exclude: ["*.left-out"],
      oneFileSystem: true,
      excludeCaches: true,
    };
    const saved = await store.saveFiles(files, quiet, signal);
    expect(saved).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{64}$/), unread: [] });
    const dump = await store.saveStream(
      order("dump"),
      {
        file: "shop.sql",
        start: (output) => ({ done: counting(output) }),
      },
      quiet,
      signal,
    );

    const all = await store.snapshots([], signal);
    expect(all.map(({ id }) => id).sort()).toEqual([saved.id, dump.id].sort());
    const [listed] = await store.snapshots(["ec2-backup:point=files"], signal);
    expect(listed).toMatchObject({
      id: saved.id,
      host: "matrix",
      paths: expect.arrayContaining([tree, beside]),
      time: files.time,
    });
    expect(listed?.tags).toEqual(files.tags);

    // What it holds is listed and given back as it was.
    const entries = await entriesOf(store, saved.id);
    const sub = entries.find((one) => one.path === path.join(tree, "sub/data"));
    expect(sub).toMatchObject({ type: "file", size: 300_000 });
    expect(entries.some((one) => one.path.endsWith(".left-out"))).toBe(false);
    const data = await fileOf(store, saved.id, path.join(tree, "sub/data"), at("data"));
    expect(data.equals(readFileSync(path.join(tree, "sub/data")))).toBe(true);
    await givesBack(store, saved.id, at("back"), work, before, restic.version);

    // The mirror has it too, and needs the first no more.
    const mirror = await of(elsewhere, "mirror");
    await ready(elsewhere, mirror.config);
    await mirror.copyFrom(store, [saved.id, dump.id], quiet, signal);
    await mirror.copyFrom(store, [saved.id, dump.id], quiet, signal);
    const copies = await mirror.snapshots([], signal);
    expect(copies.map(({ original }) => original).sort()).toEqual([saved.id, dump.id].sort());
    const copy = copies.find(({ original }) => original === saved.id);
    await givesBack(mirror, copy?.id ?? "", at("from-mirror"), work, before, restic.version);
    expect(await mirror.check({ part: 1, of: 1 }, quiet, signal)).toMatchObject({
      sound: true,
      errors: [],
    });

    // What is forgotten is gone, and what is kept is whole.
    expect(await store.forget([saved.id], signal)).toEqual([{ id: saved.id, outcome: "removed" }]);
    expect(await store.forget([saved.id], signal)).toEqual([{ id: saved.id, outcome: "was-gone" }]);
    await store.prune(quiet, signal);
    expect(await store.check({ part: 1, of: 1 }, quiet, signal)).toMatchObject({ sound: true, errors: [] });
    const lines = await fileOf(store, dump.id, "/shop.sql", at("shop.sql"));
    expect(lines.toString("latin1").split("\n")).toHaveLength(300_001);
    expect((await store.snapshots([], signal)).map(({ id }) => id)).toEqual([dump.id]);
    expect(await store.locks(signal)).toEqual([]);
  },
);

async function givesBack(
  store: Store,
  snapshot: string,
  target: string,
  work: string,
  before: string,
  version: string,
): Promise<void> {
  mkdirSync(target);
  expect(await store.restore({ snapshot, include: [], target }, quiet, signal)).toMatchObject({
    problems: [],
  });
  expect(lookAt(path.join(target, work), version)).toBe(before);
  rmSync(target, { recursive: true });
}
