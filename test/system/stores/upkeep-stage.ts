import { existsSync } from "node:fs";
import { readFile, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, type TestContext } from "vitest";
import { openStore } from "../../../src/agent/store-world.ts";
import type { RetentionPolicy } from "../../../src/core/retention-policy.ts";
import type { RepositoryConfig, Store } from "../../../src/core/store-ports.ts";
import { storedTags } from "../../../src/core/store-tags.ts";
import type { UpkeepReport, UpkeepState } from "../../../src/core/upkeep.ts";
import { policy } from "../../core/points.ts";
import { folder } from "../../host/places.ts";
import { type Ended, execute } from "../bench.ts";

const agent = path.resolve(import.meta.dirname, "../../../dist/ec2-backup.js");

export const day = 86_400_000;
export const never = new AbortController().signal;
const still = () => undefined;

/** How a point is made. */
export interface PointWish {
  readonly host?: string;
  readonly job?: string;
  readonly policy?: RetentionPolicy;
  readonly tags?: readonly string[];
  /** Of another point than a new one. */
  readonly id?: string;
}

/** A host outside EC2 with repositories of its own, and the program as it is installed there. */
export class UpkeepStage {
  readonly directory: string;
  readonly repositories: readonly RepositoryConfig[];
  readonly name: string;
  #points = 0;

  private constructor(directory: string, repositories: readonly RepositoryConfig[], name: string) {
    this.directory = directory;
    this.repositories = repositories;
    this.name = name;
  }

  /** `lines`: those of the section `repositories`. */
  static async start(
    repositories: readonly RepositoryConfig[],
    lines: string,
    name = "build",
    context?: TestContext,
  ): Promise<UpkeepStage> {
    if (!existsSync(agent)) throw new Error(`${agent} is not there: run \`npm run build\` first`);
    const stage = new UpkeepStage(await folder(context), repositories, name);
    await stage.configure(lines);
    return stage;
  }

  async configure(lines: string): Promise<void> {
    const job = "jobs:\n  nightly: { volumes: none, files: { repository: central, paths: [/etc] } }\n";
    const text = `version: 1\nhost: { name: ${this.name} }\nrepositories:\n${lines}${job}`;
    await writeFile(path.join(this.directory, "config.yaml"), text, { mode: 0o600 });
  }

  /** Runs `ec2-backup`; `onStart` is told its process. */
  run(words: readonly string[], onStart?: (pid: number) => void): Promise<Ended> {
    const config = path.join(this.directory, "config.yaml");
    const env = { STATE_DIRECTORY: path.join(this.directory, "state"), HOME: this.directory };
    return execute([process.execPath, agent, "--config", config, ...words], env, onStart);
  }

  /** The reports of `ec2-backup repository …`. */
  async upkeep(
    ...words: readonly string[]
  ): Promise<{ code: number | null; reports: readonly UpkeepReport[]; text: string }> {
    const { code, stdout, stderr } = await this.run(["--json", "repository", ...words]);
    const answer = JSON.parse(stdout || "{}") as { reports?: readonly UpkeepReport[] };
    return { code, reports: answer.reports ?? [], text: `${stdout}${stderr}` };
  }

  async one(...words: readonly string[]): Promise<UpkeepReport & { readonly code: number | null }> {
    const { code, reports, text } = await this.upkeep(...words);
    const [report] = reports;
    if (report === undefined) expect.fail(`no report: ${text}`);
    return { ...report, code };
  }

  async state(repository: string): Promise<UpkeepState> {
    const file = path.join(this.directory, "state", `host-${this.name}`, `repository-${repository}.json`);
    return JSON.parse(await readFile(file, "utf8")) as UpkeepState;
  }

  store(name: string): Promise<Store> {
    const kill = (pid: number, signal: NodeJS.Signals | 0) => void process.kill(pid, signal);
    const self = { uid: process.getuid?.(), env: process.env, home: this.directory, kill };
    const ground = {
      repositories: this.repositories,
      stateDirectory: path.join(this.directory, "test-state"),
    };
    return openStore(name, { ...ground, self: self as never }, never);
  }

  /** Makes a point of the files of a directory, dated as it is told. */
  async save(
    store: Store,
    from: string,
    time: Date,
    wish: PointWish = {},
  ): Promise<{ id: string; point: string }> {
    const { host = this.name, job = "nightly", policy: retention = policy({ daily: 30 }) } = wish;
    this.#points += 1;
    const point = wish.id ?? `0193a1b2-0000-7000-8000-${String(this.#points).padStart(12, "0")}`;
    const tags = storedTags({
      pointId: point,
      runId: point,
      job,
      instanceArn: `host/${host}`,
      name: host,
      retention,
      consistency: "crash",
      version: "1.0.0",
      subject: { content: "files" },
      tags: wish.tags ?? [],
    });
    const order = {
      tags,
      host,
      time,
      paths: [from],
      exclude: [],
      oneFileSystem: false,
      excludeCaches: false,
    };
    const { id } = await store.saveFiles(order, still, never);
    return { id, point };
  }

  /** The same, in a repository that is a directory here, and received when it was made. */
  async saved(
    store: Store,
    from: string,
    time: Date,
    wish: PointWish = {},
  ): Promise<{ id: string; point: string }> {
    const made = await this.save(store, from, time, wish);
    await utimes(path.join(store.config.url, "snapshots", made.id), time, time);
    return made;
  }
}

/** The ids of the points that a repository holds, sorted. */
export async function pointsIn(store: Store): Promise<string[]> {
  const snapshots = await store.snapshots([], never);
  const points = snapshots.flatMap(({ tags }) =>
    tags.flatMap((tag) =>
      tag.startsWith("ec2-backup:point=") ? [tag.slice("ec2-backup:point=".length)] : [],
    ),
  );
  return points.sort();
}
