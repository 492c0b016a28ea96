import {
  CreateSnapshotsCommand,
  type CreateSnapshotsRequest,
  DeleteSnapshotCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  type Snapshot,
} from "@aws-sdk/client-ec2";
// What runs load when they need it is here from the start: nothing in a simulation waits for the real world.
import "../../src/actions/attempts.ts";
import "../../src/actions/prune-refusals.ts";
import "../../src/actions/quiesce.ts";
import "../../src/actions/plan-stillness.ts";
import { runJob } from "../../src/actions/run-job.ts";
import type { RunDeps, RunRequest } from "../../src/actions/run-request.ts";
import type { Connection } from "../../src/aws/connection.ts";
import { noteServiceClock } from "../../src/aws/service-clock.ts";
import { resolve } from "../../src/config/resolve.ts";
import type { Discovery } from "../../src/core/instance.ts";
import type { Job } from "../../src/core/job.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { RunReport } from "../../src/core/report.ts";
import { type JobMemory, nextDue, updateJobs } from "../../src/daemon/jobs.ts";
import { ebsEngine } from "../../src/engines/ebs.ts";
import { type Bucket, ec2Rates, takeToken } from "../../src/simulator/buckets.ts";
import { day, instance, later, volumes } from "../core/points.ts";
import { quietHost } from "./quiet-host.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface HerdWish {
  readonly agents: number;
  /** Volumes of each, of which each run also removes as many old snapshots. */
  readonly volumes: number;
  readonly hooks: boolean;
  /** Instead of the product's own. */
  readonly splay?: number;
  /** All were off when their slot came, and start at the same moment. */
  readonly slept?: boolean;
}

export interface Herd {
  readonly reports: readonly RunReport[];
  /** Requests by action, those that EC2 turned away among them. */
  readonly asked: Readonly<Record<string, number>>;
  readonly turnedAway: Readonly<Record<string, number>>;
  /** When the last of them was done, in ms after the slot. */
  readonly lasted: number;
}

const start = new Date("2027-03-01T12:00:00Z");

/** One night of a fleet, each host with the daemon's timetable, a run and the engine of the product. */
export async function herd(wish: HerdWish): Promise<Herd> {
  const time = new VirtualTime(wish.slept === true ? later(start, day) : start);
  const ec2 = new Account(time);
  const job = jobOf(wish);
  const runs: Promise<RunReport>[] = [];
  let slot = start;
  let lasted = 0;
  for (let index = 0; index < wish.agents; index++) {
    const id = `i-${(0x9e3779b9 * (index + 1)).toString(16).padStart(17, "0")}`;
    const due = dueOf(id, job, time.now(), wish);
    slot = due.slot;
    runs.push(
      time.until(due.at.getTime()).then(async () => {
        const report = await runJob(
          requestOf(id, job, wish),
          depsOf(id, time, ec2.connection(wish.volumes)),
          new AbortController().signal,
        );
        lasted = Math.max(lasted, time.now().getTime() - slot.getTime());
        return report;
      }),
    );
  }
  await time.pass();
  return { reports: await Promise.all(runs), asked: ec2.asked, turnedAway: ec2.turnedAway, lasted };
}

/** What a host without a line of configuration does, with a schedule as the daemon gives it. */
function jobOf({ hooks, splay }: HerdWish): Job {
  const [job] = resolve({ tags: { Backup: "yes" }, flags: splay === undefined ? {} : { splay } }).jobs;
  if (job === undefined) throw new Error("a tagged host has a job");
  const hook = { kind: "command", name: "dump", env: {}, timeout: 60_000, onFailure: "abort" } as const;
  return { ...job, hooks: hooks ? [hook] : [] };
}

function dueOf(id: string, job: Job, now: Date, { slept }: HerdWish): { slot: Date; at: Date } {
  const known = new Map<string, JobMemory>();
  const { name, schedule = "", timezone, splay } = job;
  const lastSlot = slept === true ? { lastSlot: "2027-03-01T02:00:00Z" } : {};
  updateJobs(known, [{ job: name, schedule, timezone, splay, ...lastSlot }], id);
  return nextDue(known.get(name)!, now, now);
}

function requestOf(id: string, job: Job, wish: HerdWish): RunRequest {
  return {
    run: `run-of-${id}`,
    job,
    trigger: "schedule",
    discovery: discoveryOf(id, wish.volumes),
    capture: true,
    prune: true,
    wait: false,
    consent: {},
    planned: false,
    problems: [],
  };
}

function discoveryOf(id: string, count: number): Discovery {
  const { arn } = instance;
  return {
    instance: { ...instance, id, arn: arn.replace(/i-.*/, id) },
    volumes: volumes(count),
    instanceStores: [],
  };
}

function depsOf(id: string, time: VirtualTime, connection: Connection): RunDeps {
  let ids = 0;
  return {
    ...quietHost,
    engine: ebsEngine(connection, "1.0.0"),
    clock: time.clock(chance(id)),
    newId: () => `point-${id}-${ids++}`,
  };
}

/** Numbers that look like chance and are the same each time. (Mulberry32.) */
function chance(seed: string): () => number {
  let state = [...seed].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The milliseconds that an answer takes. */
const latency = 80;

/** EC2 as far as its buckets go: one for each action of the account. Without the SDK, which tries some actions again. */
class Account {
  readonly asked: Record<string, number> = {};
  readonly turnedAway: Record<string, number> = {};
  readonly #buckets: Record<string, Bucket> = {};
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Each host sees its own snapshots: of this run, and of as many days before as make something to remove. */
  connection(count: number): Connection {
    const made: Snapshot[] = [];
    const ids = volumes(count).map(({ id }) => id);
    type Dated = (next: () => Promise<object>) => (args: object) => Promise<{ output: object }>;
    let dated: Dated | undefined;
    const middlewareStack = {
      add: (middleware: Dated) => {
        dated = middleware;
      },
    };
    const credentials = async () => ({ accessKeyId: "A", secretAccessKey: "B" });
    const send = async (command: object): Promise<object> => {
      await this.#time.sleep(latency);
      const answer = this.#answer(command, made, ids);
      const response = { headers: { date: this.#time.now().toUTCString() } };
      const output = { $metadata: {}, ...answer };
      return (await dated!(async () => ({ response, output }))({})).output;
    };
    const ec2 = { send, middlewareStack, config: { credentials } } as unknown as Connection["ec2"];
    noteServiceClock(ec2);
    return { ec2, requestTimeout: 30_000 };
  }

  #answer(command: object, made: Snapshot[], ids: readonly string[]): object {
    const action = command.constructor.name.replace(/Command$/, "");
    this.asked[action] = (this.asked[action] ?? 0) + 1;
    const rate = /^(Create|Delete)Snapshots?$/.test(action) ? ec2Rates.snapshots : ec2Rates.describe;
    if (!takeToken(this.#buckets, action, rate, this.#time.now().getTime())) {
      this.turnedAway[action] = (this.turnedAway[action] ?? 0) + 1;
      throw answered("RequestLimitExceeded", 503);
    }
    if (command instanceof CreateSnapshotsCommand) return this.#create(command.input, made, ids);
    if (command instanceof DescribeSnapshotsCommand) return { Snapshots: [...made] };
    if (command instanceof DescribeImagesCommand) return { Images: [] };
    if (command instanceof DeleteSnapshotCommand) remove(made, command.input.SnapshotId);
    return { Volumes: [], Snapshots: [] };
  }

  #create(input: CreateSnapshotsRequest, made: Snapshot[], ids: readonly string[]): object {
    if (input.DryRun === true) throw answered("DryRunOperation", 412);
    const id = input.InstanceSpecification?.InstanceId ?? "";
    const tags = input.TagSpecifications?.[0]?.Tags ?? [];
    const now = this.#time.now();
    const ofPoint: readonly string[] = [tagKeys.point, tagKeys.captured];
    for (let age = 8; age >= 0; age--) {
      const StartTime = later(now, -age * day);
      const Tags = tags.map(({ Key = "", Value }) => {
        if (age === 0 || !ofPoint.includes(Key)) return { Key, Value };
        return { Key, Value: Key === tagKeys.captured ? StartTime.toISOString() : `${Value}-${age}` };
      });
      for (const VolumeId of ids)
        made.push({
          SnapshotId: `snap-${id}-${VolumeId}-${age}`,
          VolumeId,
          State: age === 0 ? "pending" : "completed",
          StartTime,
          VolumeSize: 8,
          Tags: Tags as { Key: string; Value: string }[],
        });
    }
    return { Snapshots: made.filter(({ State }) => State === "pending") };
  }
}

function remove(made: Snapshot[], id: string | undefined): void {
  const index = made.findIndex(({ SnapshotId }) => SnapshotId === id);
  if (index >= 0) made.splice(index, 1);
}

function answered(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
}
