import { expect, type TestContext, test } from "vitest";
import { recorder } from "../../src/actions/steps.ts";
import { saveFiles } from "../../src/actions/store-save.ts";
import { lineOf, type Round, thingsOf } from "../../src/actions/store-things.ts";
import { storesOf } from "../../src/agent/stores.ts";
import { defaultSettings } from "../../src/config/defaults.ts";
import { systemClock } from "../../src/host/clock.ts";
import { instance, job } from "../contracts/engine-order.ts";
import { never, Stage } from "../engines/restic-stage.ts";
import { folder } from "../host/places.ts";
import { makeRepository } from "../system/stores/cheap-key.ts";
import { needRestic, systemRestic } from "../system/stores/restics.ts";
import { shelfAt } from "../system/stores/shelf.ts";
import { type Script, scripted } from "./scripted-hooks.ts";

/** Saves a small tree in a real repository, with hooks that do as they are told. */
async function save(context: TestContext, scripts: readonly Script[]) {
  const program = needRestic(context, systemRestic);
  const place = new Stage(await folder(), program);
  const repositories = {
    store: { url: place.at("store"), passwordFile: place.at("password"), restic: program },
  };
  const options = { version: "1.2.3", stateDirectory: place.at("state"), self: place.self(), host: "here" };
  const stores = storesOf({ ...defaultSettings, repositories }, { ...options, planned: false });
  const store = await stores.open("store", never);
  await makeRepository(shelfAt(place.at("store")), place.at("password"));
  const files = { repository: "store", paths: [place.tree("tree")] };
  const trace: string[] = [];
  const hooks = scripts.map((script) => scripted(script, trace).hook);
  const log: string[] = [];
  const notes: string[] = [];
  const record = recorder(systemClock, () => undefined, { run: "run-1", job: "default" });
  const round = {
    request: {
      run: "run-1",
      job: {
        ...job(),
        hooks: hooks.map(({ name }) => ({ kind: "command", name, before: ["/bin/true"] })),
        stored: { files, dumps: [], volumes: false },
      },
      trigger: "manual",
      discovery: { instance },
      consent: {},
    },
    deps: {
      clock: systemClock,
      log: (_: string, text: string) => void log.push(text),
      host: { hook: ({ name }: { name: string }) => Promise.resolve(hooks.find((one) => one.name === name)) },
      journal: {
        storing: async (_: string, { point }: { point: string }) => void notes.push(`storing ${point}`),
        stored: async (_: string, point: string) => void notes.push(`stored ${point}`),
      },
    },
    stores,
    record,
    signal: never,
  } as unknown as Round;
  const [thing] = thingsOf(round.request);
  if (thing === undefined) throw new Error("the job has no files");
  const line = lineOf(thing, { content: "files" }, thing.series);
  const engine = await stores.engine(store, never);
  const made = await saveFiles(files, { thing, line, pointId: "point-1", store, engine }, round).catch(
    (error: unknown) => ({ error }),
  );
  const { points } = await engine.list({ series: thing.series }, never);
  return { made, points, trace, notes, problems: record.problems };
}

test("a hook that was lost before all was read makes the point partial, as the repository has it too", async (context) => {
  const { made, points, trace, notes } = await save(context, [
    { name: "quiet" },
    { name: "lease", held: false },
  ]);
  expect(made).toMatchObject({ state: "partial", consistency: "crash" });
  expect(points).toMatchObject([{ id: "point-1", state: "partial" }]);
  expect(made).toMatchObject({ saved: { unread: [{ found: "lease did not hold until all was read" }] } });
  expect(trace.slice(-4)).toEqual([
    "lease: release after a capture",
    "quiet: release after a capture",
    "lease: close",
    "quiet: close",
  ]);
  expect(notes).toEqual(["storing point-1", "stored point-1"]);
});

test("one held, a second fails: nothing is saved, and the first is let go", async (context) => {
  const { made, points, trace, notes } = await save(context, [
    { name: "quiet" },
    { name: "broken", fails: "hold" },
  ]);
  expect(made).toMatchObject({ error: { found: "it was told to fail" } });
  // That it may be there is taken back.
  expect([points, notes]).toEqual([[], ["storing point-1", "stored point-1"]]);
  expect(trace).toContain("quiet: release without a capture");
  expect(trace.join()).not.toContain("broken: release");
});

test("hooks that all held make it application-consistent; one that may fail makes it crash", async (context) => {
  const held = await save(context, [{ name: "quiet" }]);
  expect(held.made).toMatchObject({ state: "complete", consistency: "application" });
  expect(held.points).toMatchObject([{ consistency: "application" }]);
  const less = await save(context, [
    { name: "quiet" },
    { name: "broken", fails: "hold", onFailure: "continue" },
  ]);
  expect(less.made).toMatchObject({ state: "complete", consistency: "crash" });
  expect(less.points).toMatchObject([{ consistency: "crash" }]);
});
