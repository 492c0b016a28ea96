import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { forgetPoints } from "../../src/actions/forget-stored.ts";
import { storesOf } from "../../src/agent/stores.ts";
import { defaultSettings } from "../../src/config/defaults.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import type { Store } from "../../src/core/store-ports.ts";
import type { StoredEngine, StoredOrder } from "../../src/core/stored-ports.ts";
import { resticEngine } from "../../src/engines/restic.ts";
import { type EngineUnderTest, engineContract } from "../contracts/engine.ts";
import { instance, job } from "../contracts/engine-order.ts";
import { point, snapshot } from "../core/points.ts";
import { folder } from "../host/places.ts";
import { makeRepository } from "../system/stores/cheap-key.ts";
import { oneRestic, restics } from "../system/stores/restics.ts";
import { shelfAt } from "../system/stores/shelf.ts";
import { never, quiet, Stage, writing } from "./restic-stage.ts";

type Subject = Pick<StoredOrder, "subject" | "what">;

/** The engine of a new repository, wired as runs have it. */
async function engineOf(
  program: string,
  what: (place: Stage) => Subject,
  planned = false,
): Promise<
  EngineUnderTest<StoredOrder> & {
    readonly engine: StoredEngine;
    readonly order: StoredOrder;
    readonly directory: string;
  }
> {
  const place = new Stage(await folder(), program);
  const repositories = {
    store: { url: place.at("store"), passwordFile: place.at("password"), restic: program },
  };
  const stores = storesOf(
    { ...defaultSettings, repositories },
    { version: "1.2.3", stateDirectory: place.at("state"), self: place.self(), host: "here", planned },
  );
  const store = await stores.open("store", never);
  await makeRepository(shelfAt(place.at("store")), place.at("password"));
  const password = (text: string) => async () => writeFileSync(place.at("password"), text);
  const { subject, what: content } = what(place);
  const member = subject.content === "files" ? "files" : `dump/${subject.dump}`;
  const born = subject.content === "files" ? "crash" : "application";
  return {
    engine: await stores.engine(store, never),
    directory: place.at("store"),
    service: {
      made: () => store.snapshots([], never),
      later: () => Promise.resolve(),
      refuse: password("another password\n"),
      relent: password("a good password\n"),
    },
    job: job(),
    order: {
      job: job(),
      instance,
      runId: "run-1",
      subject,
      what: content,
      tags: ["by:test"],
      facts: subject.content === "dump" ? { format: "sql" } : {},
      policy: job().retention,
      consistency: () => born,
      tell: quiet,
      mended: quiet,
    },
    series: `${instance.arn}/default/${member}`,
    members: [member],
    marks: false,
    born,
  };
}

const files = (place: Stage): Subject => ({
  subject: { content: "files" },
  what: { files: { repository: "store", paths: [place.tree("tree")] } },
});

const dump = (text: string) => (): Subject => ({
  subject: { content: "dump", dump: "shop", kind: "command" },
  what: { stream: writing("shop.sql", text) },
});

for (const { name, version, program } of restics())
  if (program !== undefined)
    engineContract(`files by ${name} restic, ${version}`, () => engineOf(program, files));

for (const { name, version, program } of oneRestic())
  if (program !== undefined) {
    engineContract(`a dump by ${name} restic, ${version}`, () => engineOf(program, dump("all of it\n")));

    const when = new Date("2026-03-01T02:00:00.900Z");

    test(`${name} restic keeps what a dump is, dates it with whole seconds, and lists no other series`, async () => {
      const { engine, order, series } = await engineOf(program, dump("all of it\n"));
      const prepared = await engine.prepare(order, never);
      const made = await prepared.capture("point-1", when);
      expect(made).toMatchObject({ series, captured: new Date("2026-03-01T02:00:00Z"), state: "complete" });
      const { points } = await engine.list({ series }, never);
      expect(points.map(({ stored }) => stored)).toMatchObject([{ kind: "command", tags: ["by:test"] }]);
      expect(points[0]?.snapshots[0]?.tags).toMatchObject({ "ec2-backup:format": "sql" });
      expect(await engine.list({ series: `${series}/part` }, never)).toMatchObject({ points: [] });
      expect(await engine.list({ series: series.slice(0, -1) }, never)).toMatchObject({ points: [] });
    });

    test(`${name} restic never lets a dump that printed nothing stand for one`, async () => {
      const { engine, order, series } = await engineOf(program, dump(""));
      const prepared = await engine.prepare(order, never);
      await expect(prepared.capture("point-1", when)).rejects.toThrow(/nothing came that could be stored/);
      const { points } = await engine.list({ series }, never);
      expect(points.filter(({ state }) => state === "complete")).toEqual([]);
    });

    test(`a point in a directory is held by ${name} restic while its time is still to come, as that of its file is`, async () => {
      const { engine, order, series, directory } = await engineOf(program, files);
      const ahead = new Date(Date.now() + 365 * 86_400_000);
      await (await engine.prepare(order, never)).capture("point-1", ahead);
      const snapshots = path.join(directory, "snapshots");
      for (const one of readdirSync(snapshots)) utimesSync(path.join(snapshots, one), ahead, ahead);
      await (await engine.prepare(order, never)).capture("point-2", new Date());
      const { points } = await engine.list({ series }, never);
      const held = points.map(({ id, holds }) => [id, holds.map(({ by }) => by)]);
      expect(Object.fromEntries(held)).toEqual({ "point-1": ["clock"], "point-2": [] });
    });

    test(`a plan removes nothing by ${name} restic`, async () => {
      const { engine, order } = await engineOf(program, files, true);
      const prepared = await engine.prepare(order, never);
      const made = await prepared.capture("point-1", when);
      const outcomes = [];
      for await (const { outcome, volumeId } of engine.remove(made)) outcomes.push({ outcome, volumeId });
      expect(outcomes).toEqual([{ outcome: "left", volumeId: "files" }]);
      expect(await engine.find("point-1", never)).toMatchObject({ id: "point-1" });
    });
  }

test("a point is gone when its twins are", async () => {
  const [id, twin, mark] = ["a", "b", "c"].map((char) => char.repeat(64)) as [string, string, string];
  const made: RecoveryPoint = {
    ...point(new Date(0)),
    snapshots: [snapshot({ id, volumeId: "files" })],
    stored: {
      repository: "r",
      content: "files",
      source: "files",
      paths: [],
      original: "o",
      tags: [],
      markers: [mark],
      twins: [twin],
    },
  };
  const failure = { kind: "denied", doing: "forget", found: "no" } as const;
  for (const outcome of ["removed", "was-gone", "failed"] as const) {
    const asked: string[] = [];
    const forget = (ids: readonly string[]) => {
      asked.push(...ids);
      const ended = (one: string) => (one === twin ? { outcome, failure } : { outcome: "removed" as const });
      return Promise.resolve(ids.map((one) => ({ id: one, ...ended(one) })));
    };
    const options = {
      version: "1",
      host: "h",
      now: () => new Date(0),
      copies: true,
      planned: false,
      signal: never,
    };
    const removals: string[] = [];
    for await (const one of resticEngine({ forget } as unknown as Store, options).remove(made))
      removals.push(one.outcome);
    expect([asked, removals]).toEqual([[id, twin, mark], [outcome === "failed" ? "failed" : "removed"]]);
    const audit = { append: () => Promise.resolve() };
    const clock = { now: () => new Date(0), elapsed: () => 0 };
    const store = { forget, config: { name: "r", appendOnly: false } } as unknown as Store;
    const { removed, failures } = await forgetPoints(
      [made],
      { store, clock, audit, run: "r1" } as never,
      never,
    );
    expect([removed, failures]).toEqual(outcome === "failed" ? [[], [failure]] : [[made.id], []]);
  }
});
