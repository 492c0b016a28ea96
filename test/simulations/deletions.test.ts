import { expect, test } from "vitest";
import { sweepPrune } from "../../src/actions/sweep-prune.ts";
import { Turns } from "../../src/actions/turns.ts";
import { type Birth, tagKeys, tagsOf } from "../../src/core/point-tags.ts";
import type { Snapshot } from "../../src/core/recovery-point.ts";
import type { PointService } from "../../src/core/sweep-ports.ts";
import { defaultSweepSettings } from "../../src/core/sweep-settings.ts";
import { type Bucket, ec2Rates, takeToken } from "../../src/simulator/buckets.ts";
import { snapshot } from "../core/points.ts";
import { jobKeeping, instance as someInstance, volumesOf } from "../system/history.ts";
import { lastOnes } from "../system/sweep-stage.ts";
import { VirtualTime } from "./virtual-time.ts";

const day = 86_400_000;
const start = new Date("2027-03-01T03:00:00Z");
const hosts = 2_500;
const policy = lastOnes(2);
/** Of each host two points of two volumes are kept, and one of last night's is to go. */
const ages = [1, 8, 9];

/** What agents that may only create have left in one account and Region. */
function left(): Snapshot[] {
  const volumes = volumesOf(2);
  const job = { ...jobKeeping(2), retention: policy };
  return Array.from({ length: hosts }, (_, host) => {
    const arn = `${someInstance.arn.slice(0, -5)}${String(host).padStart(5, "0")}`;
    const instance = { ...someInstance, arn };
    return ages.flatMap((age) => {
      const captured = new Date(start.getTime() - age * day);
      const pointId = `0fa00000-0000-7000-8000-${String(host * 100 + age).padStart(12, "0")}`;
      const birth: Birth = { pointId, runId: pointId, job, instance, captured, volumes, version: "0.0.0" };
      const { tags } = tagsOf(birth);
      return volumes.map(({ id: volumeId }, index) =>
        snapshot({ id: `snap-${host}-${age}-${index}`, volumeId, startTime: captured, tags }),
      );
    });
  }).flat();
}

/** EC2 as far as it is asked, with the bucket of one action for all who ask. */
class Account {
  turnedAway = 0;
  readonly #there = new Map<string, Snapshot>();
  readonly #points: Map<string, Snapshot[]>;
  readonly #time: VirtualTime;
  readonly #buckets: Record<string, Bucket> = {};

  constructor(time: VirtualTime) {
    this.#time = time;
    for (const one of left()) this.#there.set(one.id, one);
    this.#points = Map.groupBy(this.#there.values(), ({ tags }) => tags[tagKeys.point] ?? "");
  }

  get ages(): readonly number[] {
    return [...this.#there.values()].map(({ startTime }) => (start.getTime() - startTime.getTime()) / day);
  }

  /** Whether there is room for one more request. */
  deletes(): boolean {
    return takeToken(this.#buckets, "DeleteSnapshot", ec2Rates.snapshots, this.#time.now().getTime());
  }

  readonly service: PointService = {
    points: async () => ({ snapshots: [...this.#there.values()], asOf: this.#time.now() }),
    again: async (ids) =>
      ids.flatMap((id) => (this.#points.get(id) ?? []).filter((one) => this.#there.has(one.id))),
    instances: async () => [],
    volumes: async () => new Set(),
    withHolds: async (points) => points,
    remove: async (id) => {
      await this.#time.sleep(40);
      if (this.deletes()) return { outcome: this.#there.delete(id) ? "removed" : "was-gone" };
      this.turnedAway += 1;
      const found = "Request limit exceeded";
      return { outcome: "failed", failure: { kind: "throttled", doing: `delete ${id}`, found } };
    },
    mark: async () => undefined,
    unmark: async () => undefined,
  };
}

async function night(sweeps: number) {
  const time = new VirtualTime(start);
  const account = new Account(time);
  let isOver = false;
  let agentsTurnedAway = 0;
  const agents = async () => {
    // Those that prune by themselves, beside the sweep.
    while (!isOver) {
      await time.sleep(1_100);
      if (!account.deletes()) agentsTurnedAway += 1;
    }
  };
  const sweep = async (index: number) => {
    await time.sleep(index * 700);
    const clock = time.clock(() => 0.5);
    return sweepPrune(
      { dryRun: false, yes: false },
      {
        unit: { id: "111122223333/eu-central-1", account: "111122223333", region: "eu-central-1" },
        ec2: account.service,
        clock,
        log: () => undefined,
        audit: { append: async () => undefined },
        run: `run-${index}`,
        rules: defaultSweepSettings.prune,
        taggedRules: () => undefined,
        stanzas: [],
        tell: () => undefined,
        turns: new Turns(clock),
      },
      new AbortController().signal,
    );
  };
  const all = Promise.all(Array.from({ length: sweeps }, (_, index) => sweep(index))).finally(() => {
    isOver = true;
  });
  void agents();
  await time.pass();
  const ended = await all;
  return { account, ended, agentsTurnedAway, minutes: (time.now().getTime() - start.getTime()) / 60_000 };
}

test("the deletions of a night fit into EC2's bucket beside those of agents: nobody is turned away", async () => {
  const { account, ended, agentsTurnedAway, minutes } = await night(1);
  expect(ended.map(({ problems, swept }) => [problems, swept.removedSnapshots])).toEqual([[[], hosts * 2]]);
  expect([account.turnedAway, agentsTurnedAway]).toEqual([0, 0]);
  expect(account.ages.filter((age) => age === 9)).toEqual([]);
  expect(account.ages).toHaveLength(hosts * 4);
  expect(minutes).toBeLessThan(24);
}, 60_000);

test("of two sweeps at once, which ask for more than there is room for, none fails and nothing stays", async () => {
  const { account, ended } = await night(2);
  expect(ended.map(({ problems }) => problems)).toEqual([[], []]);
  expect(account.ages.filter((age) => age === 9)).toEqual([]);
  expect(account.ages).toHaveLength(hosts * 4);
}, 60_000);
