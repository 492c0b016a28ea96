import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, type TestContext, test } from "vitest";
import { checkRepository } from "../../src/actions/check-repository.ts";
import { mending } from "../../src/core/mending.ts";
import type { Store } from "../../src/core/store-ports.ts";
import { unsavedIn } from "../../src/engines/restic-unconfirmed.ts";
import { systemClock } from "../../src/host/clock.ts";
import { folder, need } from "../host/places.ts";
import { type DeadlyFront, deadlyFront } from "../system/stores/deadly-front.ts";
import { configured, ready } from "../system/stores/kinds.ts";
import { RestServer, rcloneCan, rcloneNeed } from "../system/stores/rclone.ts";
import { needRestic, type Restic, restics } from "../system/stores/restics.ts";
import { failureIn, filesOrder, never, order, quiet, Stage, writing } from "./restic-stage.ts";

interface Scene {
  readonly server: RestServer;
  readonly front: DeadlyFront;
  readonly place: Stage;
  readonly store: Store;
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
  const bounds = { program, lockWait: 3_000, idleTimeout: 2_000 };
  const store = await place.open({ ...config, ...bounds, url: front.url("store") });
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
  return { server, front, place, store, elsewhere, tree, first, notes };
}

/** What fails since the server is killed while it writes a snapshot; gives its name when the server is back. */
async function broken({ server, front }: Scene, act: () => Promise<unknown>): Promise<string> {
  const killed = front.killAtSnapshot();
  const error = await failureIn(act());
  if (error["kind"] !== "unreachable") throw error;
  const name = await killed;
  await server.start();
  return name;
}

const save = ({ store, tree }: Scene, point = "q") =>
  store.saveFiles(filesOrder(point, [tree]), quiet, never);
const damaged = { kind: "refused", code: "UnreadableSnapshot" };

const idsOf = async (store: Store) => (await store.snapshots([], never)).map(({ id }) => id);

/** A check as upkeep makes it, with nobody's word on what may go. */
async function checked(store: Store) {
  const deps = { store, clock: systemClock, log: quiet, tell: quiet, state: undefined, copies: false };
  const how = { structureOnly: true, removeEmpty: false, planned: false, gap: 1 };
  const { outcome, check, problems = [] } = await checkRepository(deps, how, never);
  return {
    outcome,
    sound: check?.sound,
    problems: problems.map(({ severity, code }) => `${severity} ${code}`),
  };
}

describe.concurrent.each(restics())(
  "a save by $name restic whose server is killed while it writes the snapshot",
  (restic) => {
    test("leaves an empty file, which the next run of this host clears, and completes", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { server, store, elsewhere, first, notes } = stage;
      const name = await broken(stage, () => save(stage));
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

    test("is got past by its next check, prune and mirror, also after a dump and a copy", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { place, store, first, notes } = stage;
      await broken(stage, () => store.saveStream(order("d"), writing("d.sql", "rows\n"), quiet, never));
      expect(await checked(store)).toEqual({ outcome: "done", sound: true, problems: ["warning Mended"] });

      const source = await place.made("source");
      const { id } = await source.saveFiles(filesOrder("s", [stage.tree]), quiet, never);
      const copy = () => store.copyFrom(source, [id], quiet, never);
      await broken(stage, copy);
      const told: string[] = [];
      const tell = (_: string, what: string) => told.push(what);
      await mending([store, source], () => store.prune(quiet, never), tell, never);
      await broken(stage, copy);
      await mending([store, source], copy, tell, never);
      // Nothing keeps restic from copying, and a copy does not mind what it cannot read.
      await mending([store], () => store.prune(quiet, never), tell, never);
      expect(told.length).toBe(2);
      expect((await idsOf(store)).length).toBe(2);
      expect(await idsOf(store)).toContain(first);
      expect(await checked(store)).toEqual({ outcome: "done", sound: true, problems: [] });
      expect(notes()).toEqual([]);
    });

    test("is not noted where restic's own next try saves it", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { server, front, store, first, notes } = stage;
      const killed = front.killAtSnapshot();
      const back = killed.then(() => server.start());
      const { id } = await save(stage);
      await back;
      expect(id).toBe(await killed);
      expect((await idsOf(store)).toSorted()).toEqual([first, id].toSorted());
      expect(notes()).toEqual([]);
      expect(await checked(store)).toEqual({ outcome: "done", sound: true, problems: [] });
    });

    test("leaves what nobody may clear: where others are at work, where it came after all, where nothing is deleted", async (context) => {
      const { expect } = context;
      const stage = await scene(context, restic);
      const { server, place, store, elsewhere, first, notes } = stage;
      const shelf = server.shelf("store");
      const name = await broken(stage, () => save(stage));
      const clear = (one: Store) => one.mend({ kind: "snapshot", id: name.slice(0, 10) }, never);

      const end = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const dump = writing("d.sql", "rows", () => {
        begun.resolve();
        return end.promise;
      });
      const saving = elsewhere.saveStream(order("d"), dump, quiet, never);
      await begun.promise;
      const atWork = { found: expect.stringContaining("somebody is at work") };
      expect(await failureIn(clear(store))).toMatchObject(atWork);
      expect(await failureIn(mending([store], () => save(stage), quiet, never))).toMatchObject({
        ...damaged,
        found: expect.stringMatching("could not be mended.*somebody is at work"),
      });
      end.resolve();
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
      await writeFile(place.at("state", "unconfirmed", "store", first.slice(0, 10)), "");
      expect((await idsOf(store)).toSorted()).toEqual([first, second].toSorted());
      expect(notes()).toEqual([name.slice(0, 10)]);
      expect(await checked(store)).toMatchObject({ sound: true });
      expect(notes(), "a sound repository has nothing left of it").toEqual([]);
    });
  },
);

test.each([
  ["Save(<snapshot/0123456789>) returned error, retrying after 552ms: EOF", "0123456789"],
  ["Save(<snapshot/0123456789>) failed: server response unexpected", "0123456789"],
  [
    JSON.stringify({ message_type: "error", message: "Save(<snapshot/0123456789>) failed: EOF" }),
    "0123456789",
  ],
  ["Save(<data/0123456789>) returned error, retrying after 552ms: EOF", undefined],
  ["Load(<snapshot/0123456789>, 0, 0) returned error, retrying after 552ms: EOF", undefined],
  ["error: open /home/Save(<snapshot/0123456789>) failed: permission denied", undefined],
])("%s", (line, id) => {
  expect(unsavedIn(line)).toBe(id);
});
