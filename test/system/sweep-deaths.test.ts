import { describe, expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { claimKey } from "../../src/core/sweep-claims.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import type { Snapshot } from "../../src/simulator/world.ts";
import { chanceOf } from "./chance.ts";
import { type Death, killedAt } from "./sweep-kill.ts";
import {
  fleetOf,
  instanceId,
  lastOnes,
  own,
  pointId,
  type SeriesWish,
  SweepStage,
  snapshotId,
  volumeId,
} from "./sweep-stage.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`sweeps killed at their calls: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

/** A sweep that may die at any of its calls, and what must be so when others have gone on with it. */
interface Story {
  readonly wishes: readonly SeriesWish[];
  readonly change?: (scenario: Scenario) => Scenario;
  readonly config: string;
  readonly words: readonly string[];
  /** What is done before it begins. */
  readonly before?: (stage: SweepStage) => Promise<void>;
  /** How long after it the next one begins, and what else may have to go by until all is done. */
  readonly later: string;
  /** Right after its death, before any other sweep: whatever it was at, this must not be broken. */
  readonly always?: (stage: SweepStage) => Promise<void>;
  readonly whole: (stage: SweepStage) => Promise<void>;
}

const west = `${own}/eu-west-1`;
const day = 86_400_000;
const yes = { Backup: "yes" };

async function snapshots(stage: SweepStage, place?: string): Promise<readonly Snapshot[]> {
  return Object.values<Snapshot>((await stage.simulator.control.state(place)).snapshots);
}

/** The points of each number that are there, with as many members as they are to have. */
const setsOf = (all: readonly Snapshot[]) =>
  [...Map.groupBy(all, ({ tags }) => tags[tagKeys.point] ?? "none")]
    .map(([id, members]) => `${id} ${members.length}`)
    .sort();
const sets = (numbers: readonly number[], ages: readonly number[], members: number) =>
  numbers.flatMap((number) => ages.map((age) => `${pointId(number, age)} ${members}`)).sort();
const made = (all: readonly Snapshot[]) =>
  all.filter(({ tags }) => tags[tagKeys.point]?.startsWith("0fa00000") === false);
const sources = (all: readonly Snapshot[]) =>
  all
    .filter(({ copy }) => copy !== null)
    .map(({ tags }) => tags["Source_SnapshotId"])
    .sort();

const old = [8, 9, 10, 11, 30, 31, 32];
const kept = old.slice(0, 4);
const thinned = [1, 2].map((number) => ({ number, ages: old, policy: lastOnes(4), volumes: 2 }));
const doomed = { [tagKeys.doomed]: new Date(Date.now() - 4 * day).toISOString() };

const stories: Readonly<Record<string, Story>> = {
  "that marks what is given up": {
    wishes: thinned,
    config: "{ prune: { mark: 3d } }",
    // Its clock is far ahead of this host's in the end.
    words: ["--only", "prune", "--yes"],
    later: "73h",
    async always(stage) {
      expect(setsOf(await snapshots(stage)), "nothing goes by being marked").toEqual(sets([1, 2], old, 2));
    },
    async whole(stage) {
      // Some may have been marked by the second sweep only.
      await stage.simulator.control.clock({ advance: "73h" });
      const last = await stage.sweep(["--only", "prune", "--yes"]);
      expect(last.code, last.stdout).toBe(0);
      expect(setsOf(await snapshots(stage))).toEqual(sets([1, 2], kept, 2));
    },
  },
  "that removes what was marked, and takes marks off what is kept": {
    wishes: thinned.map((one) => ({ ...one, marks: doomed })),
    config: "{ prune: { mark: 3d } }",
    words: ["--only", "prune"],
    later: "1m",
    async whole(stage) {
      const all = await snapshots(stage);
      expect(setsOf(all)).toEqual(sets([1, 2], kept, 2));
      expect(all.filter(({ tags }) => tags[tagKeys.doomed] !== undefined)).toEqual([]);
    },
  },
  "that captures": {
    wishes: [1, 2, 3].map((number) => ({ number, ages: [3], tags: yes, volumes: 2 })),
    config: "{ create: {} }",
    words: ["--only", "create"],
    later: "1h",
    async always(stage) {
      // One that follows at once leaves to it what it said that it captures, and doubles nothing.
      const next = await stage.sweep(["--only", "create"]);
      expect(next.code, next.stdout).toBe(0);
    },
    async whole(stage) {
      const fresh = made(await snapshots(stage));
      const volumes = [1, 2, 3].flatMap((number) => [volumeId(number, 0), volumeId(number, 1)]);
      expect(fresh.map(({ volumeId: id }) => id).sort()).toEqual(volumes.sort());
      expect(new Set(fresh.map(({ tags }) => tags[tagKeys.point])).size).toBe(3);
      const { instances } = await stage.simulator.control.state();
      expect(Object.values(instances).filter(({ tags }) => tags[claimKey] !== undefined)).toEqual([]);
    },
  },
  "that captures volumes without an instance": {
    wishes: [],
    change: (scenario) => ({
      ...scenario,
      volumes: [1, 2].map((number) => ({ id: volumeId(number), size: 1, tags: yes })),
    }),
    config: "{ create: { unattached: true } }",
    words: ["--only", "create"],
    later: "1m",
    async whole(stage) {
      const fresh = made(await snapshots(stage));
      expect(fresh.map(({ volumeId: id }) => id).sort()).toEqual([volumeId(1), volumeId(2)]);
    },
  },
  "that copies and thins the copies": {
    wishes: [1, 2].map((number) => ({
      number,
      ages: [9, 10],
      volumes: 2,
      marks: { "ec2-backup:copy": "eu-west-1 keep=last=2" },
      state: "gone" as const,
    })),
    change: (scenario) => ({ ...scenario, copies: { seconds: 60, secondsPerGiB: 0 } }),
    config: "{ copy: true }",
    words: ["--only", "prune,copy"],
    async before(stage) {
      const { control } = stage.simulator;
      const first = await stage.sweep(["--only", "copy"]);
      expect(first.code, first.stdout).toBe(0);
      await control.clock({ advance: "10m" });
      // A younger point of each is to be copied, and the oldest copy goes once that is whole.
      const like = (await snapshots(stage)).filter(({ tags }) => tags[tagKeys.point]?.endsWith("9"));
      const captured = new Date(Date.now() - 8 * day).toISOString();
      const younger = like.map(({ volumeId: volume, tags }, index) => {
        const number = index < 2 ? 1 : 2;
        const its = { ...tags, [tagKeys.point]: pointId(number, 8), [tagKeys.captured]: captured };
        const id = snapshotId(number, 8, index % 2);
        return { id, volumeId: volume, volumeSize: 1, startTime: captured, tags: its };
      });
      await control.snapshots(
        younger.map((create) => ({ create })),
        `${own}/eu-central-1`,
      );
    },
    later: "10m",
    async whole(stage) {
      // What was begun by the second sweep is whole now, and what it replaces goes.
      await stage.simulator.control.clock({ advance: "10m" });
      const last = await stage.sweep(["--only", "prune,copy"]);
      expect(last.code, last.stdout).toBe(0);
      const there = sources(await snapshots(stage, west));
      const wanted = [1, 2].flatMap((number) =>
        [8, 9].flatMap((age) => [0, 1].map((index) => snapshotId(number, age, index))),
      );
      expect(there).toEqual(wanted.sort());
    },
  },
  "that takes over what another tool has made": {
    wishes: [],
    change: (scenario) => ({
      ...scenario,
      volumes: [
        { id: volumeId(1), size: 1, attachments: [{ instance: instanceId(0xfff), device: "/dev/xvda" }] },
      ],
      snapshots: [1, 2, 3].map((age) => ({
        id: snapshotId(1, age),
        volumeId: volumeId(1),
        volumeSize: 1,
        startTime: new Date(Date.now() - age * day).toISOString(),
        tags: { CreatedBy: "AutomatedBackup" },
      })),
    }),
    config: "{}",
    words: ["adopt", "--from", "bash-snapshot", "--yes"],
    later: "1m",
    async whole(stage) {
      const all = await snapshots(stage);
      expect(all.map(({ tags }) => tags["ec2-backup:adopted"])).toEqual(Array(3).fill("bash-snapshot"));
      expect(new Set(all.map(({ tags }) => tags[tagKeys.point])).size).toBe(3);
      expect(all.map(({ id }) => id).sort()).toEqual([1, 2, 3].map((age) => snapshotId(1, age)));
    },
  },
};

async function begun({ wishes, change = (one) => one, config, before }: Story): Promise<SweepStage> {
  const stage = await SweepStage.start(change(fleetOf(wishes)), config);
  await before?.(stage);
  return stage;
}

/** Another sweep, long enough after the first, and what must be so then. */
async function goneOnWith(stage: SweepStage, { words, later, whole }: Story, what: string): Promise<void> {
  await stage.simulator.control.clock({ advance: later });
  const next = await stage.sweep(words);
  expect(next.code, `${what}: ${next.stdout}${next.stderr}`).toBe(0);
  await whole(stage);
}

/** Where it may die: before and after each of the calls of one that nobody disturbs. */
async function deathsOf(story: Story): Promise<readonly Death[]> {
  await using stage = await begun(story);
  const since = stage.calls().at(-1)?.number ?? 0;
  const undisturbed = await stage.sweep(story.words);
  expect(undisturbed.code, undisturbed.stdout).toBe(0);
  const counts = new Map<string, number>();
  const deaths = stage.calls(since).flatMap(({ action }) => {
    const index = (counts.get(action) ?? 0) + 1;
    counts.set(action, index);
    return (["hang", "hang-after"] as const).map((kind) => ({ action, index, kind }));
  });
  await goneOnWith(stage, story, "undisturbed");
  return deaths;
}

const names = Object.keys(stories);
const chance = chanceOf(seed);

describe.concurrent("a sweep that is killed at a call", () => {
  test.each(names)(
    "%s, is gone on with by the next: nothing is lost, doubled or halved",
    async (name) => {
      const story = stories[name] ?? expect.fail(name);
      const all = await deathsOf(story);
      expect(all.length).toBeGreaterThan(6);
      const writes = all.filter(({ action }) => !/^(Describe|Get|List)/.test(action));
      const drawn = (of: readonly Death[]) =>
        of[Math.floor(chance() * of.length)] ?? expect.fail("no such call");
      const chosen = soak ? all : [drawn(all), drawn(writes)];
      for (const death of chosen) {
        const what = `${death.kind} of ${death.action} ${death.index}`;
        await using stage = await begun(story);
        await killedAt(stage, death, story.words);
        await story.always?.(stage);
        await goneOnWith(stage, story, what);
      }
    },
    soak ? 1_800_000 : 90_000,
  );
});
