import { readdirSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { checkRepository } from "../../src/actions/check-repository.ts";
import { pruneRepository } from "../../src/actions/prune-repository.ts";
import { mending } from "../../src/core/mending.ts";
import type { Store } from "../../src/core/store-ports.ts";
import { noting, unsavedIn } from "../../src/engines/restic-unconfirmed.ts";
import { systemClock } from "../../src/host/clock.ts";
import { unconfirmedAt } from "../../src/host/unconfirmed-files.ts";
import { folder, need } from "../host/places.ts";
import { type DeadlyFront, deadlyFront } from "../system/stores/deadly-front.ts";
import { configured, ready } from "../system/stores/kinds.ts";
import { RestServer, rcloneCan, rcloneNeed } from "../system/stores/rclone.ts";
import { needRestic, type Restic, restics } from "../system/stores/restics.ts";
import { failureIn, filesOrder, heldDump, never, order, quiet, Stage, writing } from "./restic-stage.ts";

interface Scene {
  readonly server: RestServer;
  readonly front: DeadlyFront;
  readonly place: Stage;
  readonly store: Store;
  /** The same with little patience, for what is struck: a busy machine is slow and does not hang. */
  readonly struck: Store;
  /** The same repository for another host. */
  readonly elsewhere: Store;
  readonly tree: string;
  readonly first: string;
  notes(): readonly string[];
}

async function scene(context: TestContext, restic: Restic): Promise<Scene> {
  const program = needRestic(context, restic);
  need(context, rcloneCan, rcloneNeed);
  const place = new Stage(await folder(context), program);
  const other = new Stage(await folder(context), program);
  const server = await RestServer.start();
  context.onTestFinished(() => server[Symbol.asyncDispose]());
  const front = await deadlyFront(server, "store");
  context.onTestFinished(() => front[Symbol.asyncDispose]());
  const config = await configured(server.repository("store"), "store", place.directory);
  await ready(server, config);
  const bounds = { program, lockWait: 3_000 };
  const near = { ...config, ...bounds, url: front.url("store") };
  const store = await place.open(near);
  const struck = await place.open({ ...near, idleTimeout: 2_000 });
  const elsewhere = await other.open({ ...config, ...bounds });
  const tree = place.tree("tree");
  const { id: first } = await store.saveFiles(filesOrder("p", [tree]), quiet, never);
  const notes = () => {
    try {
      return readdirSync(place.at("state", "unconfirmed", "store"));
    } catch {
      return [];
    }
  };
  return { server, front, place, store, struck, elsewhere, tree, first, notes };
}

/** What fails since the server is killed while it writes a snapshot; gives its name when the server is back. */
async function broken({ front, struck }: Scene, act: (store: Store) => Promise<unknown>): Promise<string> {
  const killed = front.killAtSnapshot();
  const error = await failureIn(act(struck));
  if (error["kind"] !== "unreachable") throw error;
  const name = await killed;
  await front.restart();
  return name;
}

const save = ({ tree }: Scene, store: Store) => store.saveFiles(filesOrder("q", [tree]), quiet, never);
const damaged = { kind: "refused", code: "UnreadableSnapshot" };

const idsOf = async (store: Store) => (await store.snapshots([], never)).map(({ id }) => id);

const deps = (store: Store) => ({
  ...{ store, clock: systemClock, log: quiet, tell: quiet, state: undefined },
  copies: false,
});

const audit = { append: () => Promise.resolve() };

/** A check as upkeep makes it, with nobody's word on what may go. */
async function checked(store: Store) {
  const how = { structureOnly: true, removeEmpty: false, planned: false, gap: 1 };
  const { outcome, check, problems = [] } = await checkRepository(deps(store), how, never);
  const told = problems
    .filter(({ code }) => code !== "RepositoryUnsound")
    .map(({ severity, code }) => `${severity} ${code}`);
  return { outcome, sound: check?.sound, problems: told };
}

describe.concurrent.each(restics())(
  "a save by $name restic whose server is killed while it writes the snapshot",
  (restic) => {
    test("leaves an empty file, which the next run of this host clears, and completes", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { server, store, elsewhere, first, notes } = stage;
      const name = await broken(stage, (one) => save(stage, one));
      expect((await server.shelf("store").read(`snapshots/${name}`)).length).toBe(0);
      expect(notes()).toEqual([name.slice(0, 10)]);
      // Whoever did not make it leaves it.
      const told: string[] = [];
      const byRun = (one: Store) =>
        mending(
          [one],
          () => one.saveFiles(filesOrder("r", [stage.tree]), quiet, never),
          (_, what) => told.push(what),
          never,
        );
      expect(await failureIn(byRun(elsewhere))).toMatchObject(damaged);
      expect(await checked(elsewhere)).toMatchObject({ outcome: "unsound" });
      expect(told).toEqual([]);

      const { id } = await byRun(store);
      expect(told).toEqual([expect.stringMatching(`snapshot ${name.slice(0, 10)}.*was removed`)]);
      expect((await idsOf(store)).toSorted()).toEqual([first, id].toSorted());
      expect(notes()).toEqual([]);
      expect(await checked(elsewhere)).toEqual({ outcome: "done", sound: true, problems: [] });
    });

    test("is got past by its next check and mirror, also after a dump and a copy, and a prune leaves that to them", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { place, store, first, notes } = stage;
      await broken(stage, (one) => one.saveStream(order("d"), writing("d.sql", "rows\n"), quiet, never));
      const pruning = { run: "r", planned: false };
      expect(await failureIn(pruneRepository({ ...deps(store), audit }, pruning, never))).toMatchObject(
        damaged,
      );
      expect(await checked(store)).toEqual({ outcome: "done", sound: true, problems: ["warning Mended"] });

      const source = await place.made("source");
      const { id } = await source.saveFiles(filesOrder("s", [stage.tree]), quiet, never);
      const copy = (one: Store) => one.copyFrom(source, [id], quiet, never);
      await broken(stage, copy);
      // restic copies past what it cannot read.
      await copy(store);
      expect((await idsOf(store)).length).toBe(2);
      expect(await idsOf(store)).toContain(first);
      expect(await checked(store)).toEqual({ outcome: "done", sound: true, problems: ["warning Mended"] });
      expect(await pruneRepository({ ...deps(store), audit }, pruning, never)).toMatchObject({
        outcome: "done",
      });
      expect(notes()).toEqual([]);
    });

    test("is not noted where restic's own next try saves it", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { front, store, first, notes } = stage;
      const killed = front.killAtSnapshot();
      const back = killed.then(() => front.restart());
      const { id } = await save(stage, store);
      await back;
      expect(id).toBe(await killed);
      expect((await idsOf(store)).toSorted()).toEqual([first, id].toSorted());
      expect(notes()).toEqual([]);
      expect(await checked(store)).toEqual({ outcome: "done", sound: true, problems: [] });
    });

    test("is left to people where it was sent twice: the first may have arrived whole, and another host have read it", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { server, front, store, elsewhere, notes } = stage;
      const killed = front.killAtSnapshot();
      const again = killed.then(async () => {
        await front.restart();
        return front.killAtSnapshot();
      });
      // It is to try again before it is given up.
      const struck = await stage.place.open({ ...stage.struck.config, idleTimeout: 10_000 });
      expect(await failureIn(save(stage, struck))).toMatchObject({ kind: "unreachable" });
      expect(await again).toBe(await killed);
      await front.restart();
      expect(notes()).toEqual([]);
      for (const one of [store, elsewhere]) expect(await checked(one)).toMatchObject({ outcome: "unsound" });
      expect(await server.shelf("store").names("snapshots")).toContain(await killed);
    });

    test("leaves what nobody may clear: where others are at work, where it came after all, where nothing is deleted", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { server, place, store, elsewhere, first, notes } = stage;
      const shelf = server.shelf("store");
      const name = await broken(stage, (one) => save(stage, one));
      const clear = (one: Store) => one.mend({ kind: "snapshot", id: name.slice(0, 10) }, never);

      const dump = heldDump();
      const saving = elsewhere.saveStream(order("d"), dump.source, quiet, never);
      await dump.begun;
      const atWork = {
        found: expect.stringMatching(/somebody is at work.*: process \d+ of /),
        remedy: expect.stringContaining("repository unlock store"),
      };
      expect(await failureIn(clear(store))).toMatchObject(atWork);
      expect(await failureIn(mending([store], () => save(stage, store), quiet, never))).toMatchObject({
        ...damaged,
        found: expect.stringMatching("could not be mended.*somebody is at work"),
      });
      dump.end();
      const { id: second } = await saving;

      const careful = await place.open({ ...store.config, appendOnly: true });
      expect(await failureIn(clear(careful))).toMatchObject({ code: "AppendOnly" });
      await shelf.remove(`snapshots/${name}`);
      await shelf.write(`snapshots/${name}`, (await shelf.read(`snapshots/${first}`)).subarray(0, 100));
      expect(await clear(store), "half of it").toBe(false);
      await shelf.remove(`snapshots/${name}`);
      expect(await clear(store), "gone").toBe(false);
      expect(notes()).toEqual([name.slice(0, 10)]);

      // The server had it whole, and only its answer was lost: whoever reads it later may count on it.
      const notesAt = place.at("state", "unconfirmed", "store");
      await copyFile(path.join(notesAt, name.slice(0, 10)), path.join(notesAt, first.slice(0, 10)));
      expect((await idsOf(store)).toSorted()).toEqual([first, second].toSorted());
      expect(notes()).toEqual([name.slice(0, 10)]);
      expect(await checked(store)).toMatchObject({ sound: true });
      expect(notes(), "a sound repository has nothing left of it").toEqual([]);
    });
  },
);

const during = (why: string) => `Save(<snapshot/0123456789>) returned error, retrying after 552.3ms: ${why}`;

test.each([
  [during("Post: EOF"), { id: "0123456789", sent: true }],
  [during("dial tcp 127.0.0.1:80: connect: connection refused"), { id: "0123456789", sent: false }],
  ["Save(<snapshot/0123456789>) failed: server response unexpected", { id: "0123456789", sent: true }],
  [
    JSON.stringify({ message_type: "error", message: "Save(<snapshot/0123456789>) failed: EOF" }),
    { id: "0123456789", sent: true },
  ],
  [during("EOF").replace("snapshot", "data"), undefined],
  [during("EOF").replace("Save", "Load"), undefined],
  ["error: open /home/Save(<snapshot/0123456789>) failed: permission denied", undefined],
  ["Save(<snapshot/0123456789>) failed", undefined],
])("%s", (line, unsaved) => {
  expect(unsavedIn(line)).toEqual(unsaved);
});

describe("notes of what was not confirmed", () => {
  const heard = (words: readonly string[], ...lines: readonly string[]) => {
    const names = new Set<string>();
    const notes = noting(
      { add: (one) => names.add(one), drop: (one) => names.delete(one), names: () => [...names] },
      words,
    );
    for (const line of lines) notes.hear(line);
    return { names, notes };
  };
  const [lost, refused] = [during("EOF"), during("connection refused")];

  test("are of what was sent once, by who saves, and did not arrive in the end", () => {
    expect([...heard(["backup"], lost, refused, refused).names]).toEqual(["0123456789"]);
    expect([...heard(["copy"], refused, lost).names]).toEqual(["0123456789"]);
    expect([...heard(["backup"], refused).names]).toEqual([]);
    expect([...heard(["backup"], lost, refused, lost, refused).names]).toEqual([]);
    // It prints names of files as they are.
    expect([...heard(["restore"], lost).names]).toEqual([]);
    const { names, notes } = heard(["backup"], lost);
    notes.endedWell();
    expect([...names]).toEqual([]);
  });

  test("are this machine's of this boot, and never in the way", async (context) => {
    const place = await folder(context);
    const notes = unconfirmedAt(path.join(place, "notes"));
    expect(notes.names()).toEqual([]);
    notes.add("0123456789");
    notes.add("0123456789");
    notes.drop("9876543210");
    expect(notes.names()).toEqual(["0123456789"]);
    await writeFile(path.join(place, "notes", "1111111111"), "another boot\n");
    await copyFile(path.join(place, "notes", "0123456789"), path.join(place, "notes", "0"));
    await mkdir(path.join(place, "notes", "2222222222"));
    expect(notes.names()).toEqual(["0123456789"]);
    notes.drop("2222222222");
    notes.drop("0123456789");
    expect(notes.names()).toEqual([]);
    const nowhere = unconfirmedAt(path.join(place, "notes", "1111111111"));
    nowhere.add("0123456789");
    nowhere.drop("0123456789");
    expect(nowhere.names()).toEqual([]);
  });
});
