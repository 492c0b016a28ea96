import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import https from "node:https";
import path from "node:path";
import { describe, type TestContext, test } from "vitest";
import type { Store } from "../../src/core/store-ports.ts";
import { folder } from "../host/places.ts";
import { configured, local, needStore, ready, rest, type StoreKind } from "../system/stores/kinds.ts";
import { RestServer } from "../system/stores/rclone.ts";
import { needRestic, type Restic, restics, systemRestic } from "../system/stores/restics.ts";
import type { Shelf } from "../system/stores/shelf.ts";
import type { StoreServer } from "../system/stores/store-server.ts";
import { failureIn, filesOrder, heldDump, never, order, quiet, Stage } from "./restic-stage.ts";

/** A repository with a point, and what lies in it. */
async function stageOf(
  context: TestContext,
  kind: StoreKind,
  restic: Restic,
): Promise<{ server: StoreServer; place: Stage; store: Store; shelf: Shelf; tree: string; first: string }> {
  const place = new Stage(await folder(context), needRestic(context, restic));
  const server = await needStore(context, kind);
  context.onTestFinished(() => server[Symbol.asyncDispose]());
  const config = await configured(server.repository("store"), "store", place.directory);
  const store = await place.open({ ...config, program: place.program, lockWait: 3_000 });
  await ready(server, config);
  const tree = place.tree("tree");
  const { id: first } = await store.saveFiles(filesOrder("p", [tree]), quiet, never);
  return { server, place, store, shelf: server.shelf("store"), tree, first };
}

const newName = () => createHash("sha256").update(randomBytes(8)).digest("hex");
const idsOf = async (store: Store) => (await store.snapshots([], never)).map(({ id }) => id);
const structure = (store: Store) => store.check(undefined, quiet, never);
const sound = { sound: true, errors: [] };

const ofIndex = (id: string) => ({ kind: "index", id }) as const;

const pairs = [local, rest].flatMap((kind) => restics().map((restic) => ({ kind, restic })));

describe.concurrent.each(pairs)("what a dying server left on $kind.name, by $restic.name restic", (pair) => {
  const { kind, restic } = pair;

  test("an empty file of a snapshot keeps restic from its work, and is removed by whoever says so when nobody writes", async (context) => {
    const { expect } = context;
    const { place, store, shelf, tree, first } = await stageOf(context, kind, restic);
    const name = newName();
    await shelf.write(`snapshots/${name}`, "");
    for (const failing of [
      () => store.saveFiles(filesOrder("q", [tree]), quiet, never),
      () => store.prune(quiet, never),
    ])
      expect(await failureIn(failing())).toMatchObject({ kind: "refused", code: "UnreadableSnapshot" });
    const damaged = { sound: false, unreadable: { kind: "snapshot", id: name.slice(0, 10) } };
    expect(await structure(store)).toMatchObject(damaged);

    // Somebody's dump is on its way: its snapshot may be the one that is being written.
    const dump = heldDump();
    const saving = store.saveStream(order("d"), dump.source, quiet, never);
    await dump.begun;
    const atWork = `${name} was left: somebody is at work`;
    expect(await store.removeEmpty(never)).toEqual([expect.stringContaining(atWork)]);
    dump.end();
    const { id: second } = await saving;
    // Nor where it is not known whose lock there is.
    const lock = newName();
    await shelf.write(`locks/${lock}`, "");
    expect(await store.removeEmpty(never)).toEqual([expect.stringContaining(atWork)]);
    await shelf.remove(`locks/${lock}`);

    const careful = await place.open({ ...store.config, appendOnly: true });
    expect(await failureIn(careful.removeEmpty(never))).toMatchObject({ code: "AppendOnly" });
    expect(await shelf.names("snapshots")).toContain(name);
    expect(await store.removeEmpty(never)).toEqual([expect.stringMatching(`${name} was removed.*recover`)]);
    expect(await store.removeEmpty(never)).toEqual([]);
    expect((await shelf.names("snapshots")).toSorted()).toEqual([first, second].toSorted());
    await store.saveFiles(filesOrder("q", [tree]), quiet, never);
    await store.prune(quiet, never);
    expect(await structure(store)).toMatchObject(sound);
  });

  test("an empty file that this host's cache has whole is left, since it can be brought back", async (context) => {
    const { expect } = context;
    const { place, store, shelf, first } = await stageOf(context, kind, restic);
    const caches = place.at("state", "restic-cache");
    const cached = readdirSync(caches, { recursive: true, encoding: "utf8" }).find((one) =>
      one.endsWith(first),
    );
    expect(cached).toBeDefined();
    const whole = await shelf.read(`snapshots/${first}`);
    await shelf.remove(`snapshots/${first}`);
    await shelf.write(`snapshots/${first}`, "");
    expect(await store.removeEmpty(never)).toEqual([
      expect.stringMatching(`${first} was left: this host's cache.*${caches}`),
    ]);
    expect(readFileSync(path.join(caches, cached ?? ""))).toEqual(whole);
    expect(await shelf.names("snapshots")).toEqual([first]);
  });

  test("a snapshot that is damaged and holds something is left, and files are read without it", async (context) => {
    const { expect } = context;
    const { store, shelf, tree, first } = await stageOf(context, kind, restic);
    const name = newName();
    const whole = await shelf.read(`snapshots/${first}`);
    await shelf.write(`snapshots/${name}`, whole.subarray(0, 100));
    expect(await store.removeEmpty(never)).toEqual([]);
    expect(await shelf.names("snapshots")).toContain(name);
    expect(await failureIn(store.saveFiles(filesOrder("q", [tree]), quiet, never))).toMatchObject({
      code: "UnreadableSnapshot",
      remedy: expect.stringContaining("check store"),
    });
    const { id } = await store.saveFiles(filesOrder("q", [tree], { afresh: true }), quiet, never);
    expect((await idsOf(store)).toSorted()).toEqual([first, id].toSorted());
  });

  test("half a file of the index is made anew of the data", async (context) => {
    const { expect } = context;
    const { place, store, shelf, tree, first } = await stageOf(context, kind, restic);
    const [index = ""] = await shelf.names("index");
    const broken = newName();
    await shelf.write(`index/${broken}`, (await shelf.read(`index/${index}`)).subarray(0, 90));
    writeFileSync(path.join(tree, "c"), randomBytes(50_000));
    const source = { file: "d.sql", start: () => expect.fail("it was started") };
    for (const failing of [
      () => store.saveFiles(filesOrder("q", [tree]), quiet, never),
      () => store.saveStream(order("d"), source, quiet, never),
      () => store.prune(quiet, never),
    ])
      expect(await failureIn(failing())).toMatchObject({ kind: "refused", code: "UnreadableIndex" });
    const { unreadable } = await structure(store);
    expect(unreadable).toMatchObject({ kind: "index", id: broken.slice(0, 10) });
    const careful = await place.open({ ...store.config, appendOnly: true });
    expect(await failureIn(careful.mend(ofIndex(broken), never))).toMatchObject({ code: "AppendOnly" });
    expect(await store.mend(ofIndex(newName()), never), "none of that name").toBe(false);
    expect(await failureIn(store.mend(ofIndex(index), never)), "a sound one").toMatchObject({
      found: expect.stringContaining("can be read"),
    });
    expect(await store.mend(ofIndex(broken.slice(0, 10)), never)).toBe(true);
    const { id } = await store.saveFiles(filesOrder("q", [tree]), quiet, never);
    expect((await idsOf(store)).toSorted()).toEqual([first, id].toSorted());
    expect(await store.check({ part: 1, of: 1 }, quiet, never)).toMatchObject(sound);
  });
});

test("rclone that is killed leaves what these tests begin with, and it is got past", async (context) => {
  const { expect } = context;
  const { server, store, shelf, tree, first } = await stageOf(context, rest, systemRestic);
  const ca = await readFile(server.repository("store").cacert ?? "");
  /** Half a request: all of its head, and some of what it promises. */
  const begin = async (directory: string, body: string): Promise<string> => {
    const name = newName();
    const url = new URL(`${directory}/${name}`, server.repository("store").url.slice("rest:".length));
    const auth = `${RestServer.user}:${RestServer.password}`;
    const request = https.request(url, { method: "POST", ca, auth, headers: { "content-length": 300 } });
    request.on("error", () => undefined);
    request.flushHeaders();
    request.write(body);
    const isThere = async () => (await shelf.names(directory)).includes(name);
    await expect.poll(isThere, { timeout: 10_000 }).toBe(true);
    if (body !== "")
      await expect
        .poll(async () => (await shelf.read(`${directory}/${name}`)).length, { timeout: 10_000 })
        .toBe(body.length);
    return name;
  };
  const snapshot = await begin("snapshots", "");
  const index = await begin("index", "x".repeat(120));
  await server.crash();
  await server.start();
  expect([
    (await shelf.read(`snapshots/${snapshot}`)).length,
    (await shelf.read(`index/${index}`)).length,
  ]).toEqual([0, 120]);

  expect((await structure(store)).unreadable).toEqual({ kind: "index", id: index.slice(0, 10) });
  expect(await store.mend(ofIndex(index.slice(0, 10)), never)).toBe(true);
  expect((await structure(store)).unreadable).toEqual({ kind: "snapshot", id: snapshot.slice(0, 10) });
  const { id } = await store.saveFiles(filesOrder("q", [tree], { afresh: true }), quiet, never);
  expect(await store.removeEmpty(never)).toEqual([expect.stringContaining(`${snapshot} was removed`)]);
  expect((await idsOf(store)).toSorted()).toEqual([first, id].toSorted());
  expect(await structure(store)).toMatchObject(sound);
});
