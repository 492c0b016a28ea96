import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { RestoreOptions } from "../../src/agent/restore-session.ts";
import { lookInStored } from "../../src/agent/restore-stored.ts";
import { openStore } from "../../src/agent/store-world.ts";
import { routeOf } from "../../src/agent/stored-route.ts";
import { loadFile } from "../../src/config/load.ts";
import { repositoriesOf } from "../../src/config/repositories.ts";
import { BackupError } from "../../src/core/errors.ts";
import type { FilesAct } from "../../src/core/file-ports.ts";
import type { PointQuery } from "../../src/core/restore-query.ts";
import { defaultRetention } from "../../src/core/retention-policy.ts";
import type { Store } from "../../src/core/store-ports.ts";
import { type StoredSubject, storedTags } from "../../src/core/store-tags.ts";
import type { StoredAnswer } from "../../src/core/stored-answer.ts";
import { node } from "../host/places.ts";
import { makeRepository } from "../system/stores/cheap-key.ts";
import { shelfAt } from "../system/stores/shelf.ts";

export const never = new AbortController().signal;
const main = path.resolve(import.meta.dirname, "../../src/main.ts");

/** A host outside EC2 with a repository and its mirror, and what its commands tell. */
export class StoredStage {
  readonly home: string;
  readonly program: string;
  readonly said: string[] = [];
  readonly told: string[] = [];
  #points = 0;

  private constructor(home: string, program: string) {
    this.home = home;
    this.program = program;
  }

  /** @param bounds lines of the repository, such as `, idleTimeout: 5s` */
  static async start(home: string, program: string, bounds = ""): Promise<StoredStage> {
    const stage = new StoredStage(home, program);
    writeFileSync(stage.at("password"), "a good password\n", { mode: 0o600 });
    const repository = (name: string, more = "") =>
      `  ${name}: { url: ${stage.at(name)}, passwordFile: ${stage.at("password")}, restic: ${program}${more} }\n`;
    writeFileSync(
      stage.at("config.yaml"),
      `version: 1\nhost: { name: build }\nstateDirectory: ${stage.at("state")}\nrepositories:\n${repository("central", `, mirror: { to: offsite }${bounds}`)}${repository("offsite")}jobs:\n  nightly:\n    schedule: "0 22 * * *"\n    files: { repository: central, paths: [/srv] }\n`,
      { mode: 0o600 },
    );
    for (const name of ["central", "offsite"])
      await makeRepository(shelfAt(stage.at(name)), stage.at("password"));
    return stage;
  }

  at(...names: string[]): string {
    return path.join(this.home, ...names);
  }

  async options(): Promise<RestoreOptions> {
    return {
      version: "0.0.0",
      loaded: await loadFile(this.at("config.yaml"), { uid: process.getuid?.(), kept: undefined }),
      stateDirectory: this.at("state"),
      self: {
        platform: "linux",
        pid: process.pid,
        uid: process.getuid?.(),
        env: process.env,
        home: this.home,
        kill: (pid, how) => void process.kill(pid, how),
        files: [],
        runtimeDirectory: this.at("run"),
      },
      owner: "a test",
      log: (_, text) => void this.said.push(text),
      progress: () => undefined,
      flags: {},
      hostZone: "UTC",
      tell: ({ doing }) => void this.told.push(doing),
    };
  }

  async store(name: string): Promise<Store> {
    const { self, stateDirectory, loaded } = await this.options();
    const repositories = loaded.ok === true ? repositoriesOf(loaded.file.config) : [];
    return openStore(name, { repositories, self, stateDirectory }, never);
  }

  /** Saves a point of these paths and gives its id; each is a minute younger than the one before. */
  async save(paths: readonly string[], subject: StoredSubject = { content: "files" }, host = "build") {
    this.#points += 1;
    const id = `0193a1b2-c3d4-7000-8000-${String(this.#points).padStart(12, "0")}`;
    const order = {
      tags: storedTags({
        pointId: id,
        runId: id,
        job: "nightly",
        instanceArn: `host/${host}`,
        name: host,
        retention: defaultRetention,
        consistency: "crash",
        version: "0.0.0",
        subject,
        tags: [],
      }),
      host,
      time: new Date(Date.UTC(2026, 0, 2, 3, this.#points)),
    };
    const store = await this.store("central");
    const more = { paths, exclude: [], oneFileSystem: false, excludeCaches: false };
    await store.saveFiles({ ...order, ...more }, () => undefined, never);
    return id;
  }

  /** What `restore file`, `ls` and `cat` do. */
  async look(
    act: FilesAct,
    paths: readonly string[],
    query: Partial<PointQuery> = {},
  ): Promise<StoredAnswer> {
    const options = await this.options();
    const whole = { jobs: [], tags: [], ...query };
    const route = await routeOf({ query: whole, paths, ofVolumes: false }, options, never);
    if (route.kind !== "stored")
      throw new BackupError({ kind: "unexpected", doing: "look", found: route.because ?? "volumes" });
    return lookInStored({ query: whole, paths, act, planned: false }, route.found, route.session, never);
  }

  /** The program itself, at its command line. */
  run(...words: string[]) {
    return this.runIn(process.cwd(), ...words);
  }

  /** The same, asked for in another working directory. */
  runIn(cwd: string, ...words: string[]) {
    const [first = "", ...more] = node;
    return spawn(first, [...more, main, "--config", this.at("config.yaml"), "restore", ...words], {
      cwd,
      env: { ...process.env, RUNTIME_DIRECTORY: this.at("run") },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }
}
