import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Birth, groupKey, tagKeys, tagsOf } from "../../src/core/point-tags.ts";
import { defaultRetention, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import type { SweepReport, SweptUnit } from "../../src/core/sweep-report.ts";
import type {
  Scenario,
  ScenarioInstance,
  ScenarioSnapshot,
  ScenarioVolume,
} from "../../src/simulator/scenario.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import type { Snapshot } from "../../src/simulator/world.ts";
import { agent, type Ended, execute } from "./bench.ts";
import { jobKeeping, instance as someInstance, volumesOf } from "./history.ts";

const day = 86_400_000;

export const own = "111122223333";
export const other = "444455556666";
export const role = `arn:aws:iam::${other}:role/ec2-backup-sweep`;

const { within: _, ...unlimited } = defaultRetention;
/** A policy that keeps the last so many. */
export const lastOnes = (last: number): RetentionPolicy => ({ ...unlimited, counts: { last } });

/** The points of one instance that a scenario begins with. */
export interface SeriesWish {
  /** A number of its own, of which all ids are made. */
  readonly number: number;
  readonly account?: string;
  readonly region?: string;
  /** Days that its points are old. */
  readonly ages: readonly number[];
  readonly policy?: RetentionPolicy;
  readonly volumes?: number;
  readonly name?: string;
  readonly group?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Tags of its snapshots, above those of the agent. */
  readonly marks?: Readonly<Record<string, string>>;
  readonly state?: "running" | "stopped" | "terminated" | "gone";
  /** What else is so of its machine. */
  readonly machine?: Partial<ScenarioInstance>;
  /** Whether its volumes outlived it. */
  readonly volumesLeft?: boolean;
}

/** What a place of a scenario has. */
export interface Things {
  readonly instances: ScenarioInstance[];
  readonly volumes: ScenarioVolume[];
  readonly snapshots: ScenarioSnapshot[];
}

const hex = (number: number, digits: number) => number.toString(16).padStart(digits, "0");
export const instanceId = (number: number) => `i-0${hex(number, 16)}`;
export const volumeId = (number: number, index = 0) => `vol-0${hex(number * 64 + index, 16)}`;
export const snapshotId = (number: number, age: number, index = 0) =>
  `snap-0${hex(number * 0x100000 + age * 64 + index, 16)}`;
export const pointId = (number: number, age: number) =>
  `0fa00000-0000-7000-8000-${hex(number * 10_000 + age, 12)}`;

export function arnOf({ number, account = own, region = "eu-central-1" }: SeriesWish): string {
  return `arn:aws:ec2:${region}:${account}:instance/${instanceId(number)}`;
}

/** An instance, its volumes and its points, as far as they are still there. */
export function seriesOf(wish: SeriesWish, now = Date.now()): Things {
  const { number, account = own, region = "eu-central-1", ages, state = "running" } = wish;
  const volumes = volumesOf(wish.volumes ?? 1).map((one, index) => ({ ...one, id: volumeId(number, index) }));
  const name = wish.name ?? `host-${number}`;
  const tags = { ...wish.tags, ...(wish.group === undefined ? {} : { [groupKey]: wish.group }) };
  const instance = { ...someInstance, id: instanceId(number), arn: arnOf(wish), account, region, name, tags };
  const job = { ...jobKeeping(4), retention: wish.policy ?? lastOnes(4) };
  const snapshots = ages.flatMap((age) => {
    const captured = new Date(now - age * day);
    const id = pointId(number, age);
    const birth: Birth = { pointId: id, runId: id, job, instance, captured, volumes, version: "0.0.0" };
    return volumes.map((volume, index) => ({
      id: snapshotId(number, age, index),
      volumeId: volume.id,
      volumeSize: volume.sizeGiB,
      tags: { ...tagsOf(birth).tags, ...wish.marks },
      state: "completed" as const,
      startTime: captured.toISOString(),
    }));
  });
  const isThere = state !== "gone";
  const attached = state === "running" || state === "stopped";
  return {
    instances: isThere ? [{ id: instance.id, name, state, tags, ...wish.machine }] : [],
    volumes: (attached || wish.volumesLeft ? volumes : []).map(({ id, sizeGiB: size, device }) => ({
      id,
      size,
      ...(attached ? { attachments: [{ instance: instance.id, device }] } : {}),
    })),
    snapshots,
  };
}

export function thingsOf(wishes: readonly SeriesWish[], now = Date.now()): Things {
  const all = wishes.map((wish) => seriesOf(wish, now));
  return {
    instances: all.flatMap(({ instances }) => instances),
    volumes: all.flatMap(({ volumes }) => volumes),
    snapshots: all.flatMap(({ snapshots }) => snapshots),
  };
}

/** Two accounts, of which the first has two Regions; the other is entered by its role. */
export function fleetOf(wishes: readonly SeriesWish[], change: Partial<Scenario> = {}): Scenario {
  const at = (account: string, region: string) =>
    thingsOf(
      wishes.filter(
        (wish) => (wish.account ?? own) === account && (wish.region ?? "eu-central-1") === region,
      ),
    );
  const home = at(own, "eu-central-1");
  return {
    account: own,
    region: "eu-central-1",
    settle: { seconds: 1, secondsPerGiB: 0 },
    limits: false,
    accessKeys: [{ id: keys.AWS_ACCESS_KEY_ID, user: "operator" }],
    roles: [{ arn: role, externalId: "Backups-4711" }],
    ...home,
    // There must be one; it has nothing to be backed up.
    instances: [...home.instances, { id: instanceId(0xfff) }],
    places: [
      { account: own, region: "eu-west-1", ...at(own, "eu-west-1") },
      { account: other, region: "eu-central-1", ...at(other, "eu-central-1") },
    ],
    ...change,
  };
}

const keys = { AWS_ACCESS_KEY_ID: "AKIASIMULATORTEST001", AWS_SECRET_ACCESS_KEY: "secret" };

/** What the tests read of a sweep. */
export interface Swept extends Ended {
  readonly report: SweepReport;
  readonly unit: (id: string) => SweptUnit;
}

/** A simulated fleet, and somebody's computer that is no part of it. */
export class SweepStage implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly folder: string;

  private constructor(simulator: Simulator, folder: string) {
    this.simulator = simulator;
    this.folder = folder;
  }

  static async start(scenario: Scenario, sweep = "{}"): Promise<SweepStage> {
    const folder = await mkdtemp(path.join(tmpdir(), "ec2-backup-sweep-"));
    const stage = new SweepStage(await startSimulator({ scenario }), folder);
    await mkdir(stage.state, { mode: 0o700 });
    await stage.configure(sweep);
    return stage;
  }

  get state(): string {
    return path.join(this.folder, "state");
  }

  get config(): string {
    return path.join(this.folder, "config.yaml");
  }

  /** `sweep` is a YAML flow mapping, `more` are lines beside it. */
  async configure(sweep: string, request = "5s", more = ""): Promise<void> {
    const waits = `{ request: ${request}, retryFor: 1s, retryEvery: 100ms, reconcileFor: 1s, reconcileEvery: 40ms }`;
    const text = `version: 1\njobs: { default: { waits: ${waits} } }\nsweep: ${sweep}\n${more}`;
    await writeFile(this.config, text, { mode: 0o600 });
  }

  execute(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const { AWS_EC2_METADATA_SERVICE_ENDPOINT: __, ...environment } = this.simulator.environment;
    const laptop = { ...environment, ...keys, AWS_EC2_METADATA_DISABLED: "true" };
    return execute([process.execPath, agent, ...words, "--config", this.config], {
      ...laptop,
      STATE_DIRECTORY: this.state,
      ...env,
    });
  }

  async sweep(words: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Swept> {
    const ended = await this.execute(["sweep", "--json", ...words], env);
    const report = JSON.parse(ended.stdout || "{}") as SweepReport;
    const unit = (id: string) => {
      const found = report.units?.find((one) => one.unit.id === id);
      if (found === undefined)
        throw new Error(`no unit ${id}, exit ${ended.code}: ${ended.stdout}${ended.stderr}`);
      return found;
    };
    return { ...ended, report, unit };
  }

  /** Ids of the points that are there, of one place or of all. */
  async points(place?: string): Promise<readonly string[]> {
    const { snapshots, places = {} } = await this.simulator.control.state(place);
    const all = [snapshots, ...Object.values(places).map((one) => one.snapshots)].flatMap(
      Object.values<Snapshot>,
    );
    return [...new Set(all.flatMap(({ tags }) => tags[tagKeys.point] ?? []))].sort();
  }

  /** The API calls since one of a number. */
  calls(since = 0) {
    return this.simulator.control
      .calls()
      .filter(({ service, number }) => service !== "imds" && number > since);
  }

  /** The record of removals, parsed. */
  async audit(): Promise<readonly { snapshot: string; outcome: string; unit: string; point: string }[]> {
    const text = await readFile(path.join(this.state, "removals.jsonl"), "utf8").catch(() => "");
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { snapshot: string; outcome: string; unit: string; point: string });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
