import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, type TestContext, test } from "vitest";
import type { Store } from "../../src/core/store-ports.ts";
import { policy } from "../core/points.ts";
import { folder } from "../host/places.ts";
import { asYaml, configured, local, ready } from "./stores/kinds.ts";
import { needRestic, systemRestic } from "./stores/restics.ts";
import { day, type PointWish, pointsIn, UpkeepStage } from "./stores/upkeep-stage.ts";

/** Two repositories that are mirrored to the same third one, each by rules of its own. */
async function stageOf(context: TestContext) {
  const program = needRestic(context, systemRestic);
  const server = await local.start();
  context.onTestFinished(() => server[Symbol.asyncDispose]());
  const secrets = path.join(await folder(context), "secrets");
  const configOf = (name: string) => configured(server.repository(name), name, secrets, { program });
  const [central, dbs, offsite] = [
    await configOf("central"),
    await configOf("dbs"),
    await configOf("offsite"),
  ] as const;
  const mirrored = (yaml: string, rules: string) =>
    yaml.replace(/\}\n$/, `, mirror: { to: offsite, retention: { ${rules} } } }\n`);
  const lines = mirrored(asYaml(central), "last: 3") + mirrored(asYaml(dbs), "daily: 30") + asYaml(offsite);
  const stage = await UpkeepStage.start([central, dbs, offsite], lines, "build", context);
  const files = path.join(await folder(context), "files");
  await mkdir(files);
  await writeFile(path.join(files, "a"), "a");
  for (const config of [central, dbs, offsite]) await ready(server, config);
  expect((await stage.upkeep("init")).code).toBe(0);
  const made = async (store: Store, days: readonly number[], wish: PointWish = {}) => {
    const points: string[] = [];
    for (const ago of days)
      points.push((await stage.saved(store, files, new Date(now - ago * day), wish)).point);
    return points;
  };
  const stores = {
    central: await stage.store("central"),
    dbs: await stage.store("dbs"),
    offsite: await stage.store("offsite"),
  };
  return { stage, made, ...stores };
}

const now = Date.now();
const sorted = (...points: readonly (readonly string[])[]) => points.flat().sort();

test("a mirror thins its own copies alone, and none that another mirror keeps", async (context) => {
  const { stage, made, central, dbs, offsite } = await stageOf(context);
  // Of a job that stored in the other repository before, and of one that still does.
  const moved = await made(dbs, [30, 29, 28, 27, 26]);
  const kept = await made(dbs, [6, 5, 4, 3, 2, 1], { job: "shop" });
  expect(await stage.one("mirror", "dbs")).toMatchObject({ code: 0, outcome: "done" });
  const direct = [
    await made(offsite, [9, 8]),
    await made(offsite, [6, 5, 4, 3, 2, 1], { job: "direct" }),
  ].flat();
  const early = await made(central, [7, 6, 5]);
  expect(await stage.one("mirror", "central")).toMatchObject({ code: 0, outcome: "done" });
  expect(await pointsIn(offsite)).toEqual(sorted(moved, kept, direct, early));

  const late = await made(central, [3, 2, 1]);
  const away = `${dbs.config.url}-away`;
  await rename(dbs.config.url, away);
  const unsure = await stage.one("mirror", "central");
  expect([unsure.code, unsure.outcome, unsure.mirror?.copied.length]).toEqual([0, "done", 3]);
  expect(unsure.problems).toMatchObject([
    { severity: "warning", doing: "see what other mirrors keep in the repository offsite" },
  ]);
  expect(unsure.problems[0]?.found).toMatch(/^nothing is removed there: open the repository .*dbs/);
  expect(await pointsIn(offsite)).toEqual(sorted(moved, kept, direct, early, late));

  await rename(away, dbs.config.url);
  expect(await stage.one("mirror", "central")).toMatchObject({ code: 0, outcome: "done", problems: [] });
  expect(await pointsIn(offsite)).toEqual(sorted(moved, kept, direct, early, late));
}, 120_000);

test("a mirror removes what its rules give up of the series of its source", async (context) => {
  const { stage, made, central, dbs, offsite } = await stageOf(context);
  const shop = await made(dbs, [6, 5, 4, 3, 2, 1], { job: "shop" });
  await stage.one("mirror", "dbs");
  const early = await made(central, [7, 6, 5]);
  const ended = await made(central, [9, 8], { job: "ended" });
  await stage.one("mirror", "central");
  const direct = await made(offsite, [4, 3, 2, 1]);
  expect(await pointsIn(offsite)).toEqual(sorted(shop, early, ended, direct));
  const late = await made(central, [3, 2, 1]);
  const dry = await stage.one("mirror", "central", "--dry-run");
  expect(dry.mirror?.series.flatMap(({ removed }) => removed)).toEqual([]);
  const done = await stage.one("mirror", "central");
  expect([done.code, done.outcome, done.problems]).toEqual([0, "done", []]);
  expect(done.mirror?.series.map(({ series, kept, removed }) => [series, kept, removed.length])).toEqual([
    ["host/build/ended/files", 2, 0],
    ["host/build/nightly/files", 7, 3],
    ["host/build/shop/files", 6, 0],
  ]);
  expect(await pointsIn(offsite)).toEqual(sorted(shop, ended, direct, late));
}, 120_000);

test("what a mirror keeps stays where a prune goes by what its points record", async (context) => {
  const { stage, made, dbs, offsite } = await stageOf(context);
  const small = policy({ last: 2, shrinkDelay: 0 });
  const copied = await made(dbs, [6, 5, 4, 3, 2], { job: "shop", policy: small });
  await stage.one("mirror", "dbs");
  const direct = await made(offsite, [6, 5, 4, 3, 2], { job: "direct", policy: small });
  expect(await pointsIn(offsite)).toEqual(sorted(copied, direct));
  for (const words of [["--forget"], ["offsite", "--forget", "--yes"]])
    expect((await stage.upkeep("prune", ...words)).code).toBe(0);
  expect(await pointsIn(offsite)).toEqual(sorted(copied, direct.slice(3)));
}, 120_000);

test("what two hosts copied at once is one good point, and goes as one", async (context) => {
  const { stage, made, central, offsite } = await stageOf(context);
  const source = await made(central, [6, 5]);
  await stage.one("mirror", "central");
  // restic looks for what is there before it begins.
  const place = path.join(offsite.config.url, "snapshots");
  const away = `${place}-away`;
  await rename(place, away);
  await mkdir(place);
  await stage.one("mirror", "central");
  for (const name of await readdir(away)) await rename(path.join(away, name), path.join(place, name));
  expect(await pointsIn(offsite)).toEqual(sorted(source, source));

  const done = await stage.one("mirror", "central");
  expect([done.code, done.problems, done.mirror?.there]).toEqual([0, [], 2]);
  expect(done.mirror?.series).toMatchObject([{ kept: 2, removed: [], disbelieved: [] }]);
  const listed = await stage.upkeep("list", "offsite");
  expect(JSON.parse(listed.text)).toMatchObject({
    repositories: [{ foreign: 0, series: [{ complete: 2, partial: 0, disbelieved: 0 }] }],
  });
  const restorable = await stage.run(["--json", "restore", "list", "--from", "offsite"]);
  expect(restorable.stdout.match(/"state": ?"complete"/g)).toHaveLength(2);

  const late = await made(central, [3, 2]);
  const thinned = await stage.one("mirror", "central");
  expect([thinned.code, thinned.mirror?.series[0]?.removed]).toEqual([0, source.slice(0, 1)]);
  expect(await pointsIn(offsite)).toEqual(sorted(source.slice(1), source.slice(1), late));

  // One that only says so is none, and that is told.
  await made(offsite, [2], { id: late[1] ?? "" });
  const told = await stage.one("mirror", "central");
  expect([told.code, told.problems]).toMatchObject([
    0,
    [{ severity: "warning", doing: "read the points of the repository offsite" }],
  ]);
  expect(told.problems[0]?.found).toContain("all say that they are this point");
}, 120_000);
