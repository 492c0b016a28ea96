import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openStore } from "../../src/agent/store-world.ts";
import type { HostProcess } from "../../src/agent/this-host.ts";
import type {
  FilesOrder,
  RepositoryConfig,
  SaveOrder,
  Store,
  StreamSource,
} from "../../src/core/store-ports.ts";
import { writeText } from "../../src/host/write-text.ts";
import { makeRepository } from "../system/stores/cheap-key.ts";
import { shelfAt } from "../system/stores/shelf.ts";

export const never = new AbortController().signal;
export const quiet = () => undefined;

/** A place with a password and what a process of the agent is to a store. */
export class Stage {
  readonly directory: string;
  readonly program: string;

  constructor(directory: string, program: string) {
    this.directory = directory;
    this.program = program;
    writeFileSync(this.at("password"), "a good password\n", { mode: 0o600 });
  }

  at(...names: string[]): string {
    return path.join(this.directory, ...names);
  }

  config(name: string, more: Partial<RepositoryConfig> = {}): RepositoryConfig {
    return {
      name,
      url: this.at(name),
      password: { file: this.at("password") },
      options: {},
      program: this.program,
      appendOnly: false,
      lockWait: 3_000,
      idleTimeout: 60_000,
      deadline: 300_000,
      ...more,
    };
  }

  /** This process, as the agent sees itself. */
  self(env: Record<string, string> = {}): HostProcess {
    return {
      platform: "linux",
      pid: process.pid,
      uid: process.getuid?.(),
      env: { ...process.env, ...env },
      home: this.directory,
      kill: (pid: number, how: NodeJS.Signals | 0) => void process.kill(pid, how),
      files: [],
      runtimeDirectory: this.directory,
    };
  }

  open(config: RepositoryConfig, env: Record<string, string> = {}, signal = never): Promise<Store> {
    const ground = { repositories: [config], self: this.self(env), stateDirectory: this.at("state") };
    return openStore(config.name, ground, signal);
  }

  /** A repository that is there: its files are of this host, whatever way leads to them. */
  async made(name: string, more: Partial<RepositoryConfig> = {}): Promise<Store> {
    const store = await this.open(this.config(name, more));
    const { url } = store.config;
    await makeRepository(shelfAt(url.slice(url.indexOf("/"))), this.at("password"));
    return store;
  }

  /** A program in the place of restic: what it does when it is asked anything but its version. */
  fake(name: string, script: string): string {
    const file = this.at(name);
    const text = `#!/bin/sh\ncase $1 in version) echo "restic 0.14.0 compiled with go1.19.8 on linux/amd64"; exit ;; esac\n${script}\n`;
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  }

  /** The real one, asked directly. */
  restic(store: Store, ...words: string[]): string {
    return execFileSync(this.program, words, {
      maxBuffer: 64 * 1024 * 1024,
      encoding: "utf8",
      env: this.environment(store),
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  environment({ config }: Store): Record<string, string> {
    return {
      PATH: "/usr/bin:/bin",
      RESTIC_REPOSITORY: config.url,
      RESTIC_PASSWORD_FILE: this.at("password"),
      RESTIC_CACHE_DIR: this.at("state", "restic-cache"),
    };
  }

  /** A small tree of files. */
  tree(name: string): string {
    const tree = this.at(name);
    mkdirSync(path.join(tree, "sub"), { recursive: true });
    writeFileSync(path.join(tree, "a"), "one\n");
    writeFileSync(path.join(tree, "sub", "b"), "x".repeat(100_000));
    return tree;
  }
}

export function order(point: string, time = new Date()): SaveOrder {
  return { tags: [`ec2-backup:point=${point}`], host: "here", time };
}

export function filesOrder(
  point: string,
  paths: readonly string[],
  more: Partial<FilesOrder> = {},
): FilesOrder {
  return { ...order(point), paths, exclude: [], oneFileSystem: false, excludeCaches: false, ...more };
}

/** A source that writes a text, and then ends as it is told. */
export function writing(
  file: string,
  text: string,
  then: () => Promise<void> = () => Promise.resolve(),
): StreamSource {
  return { file, start: (output) => ({ done: writeText(output, text).then(then) }) };
}

/** A dump that is on its way, once it has `begun`, until it is told to `end`. */
export function heldDump(): { readonly source: StreamSource; readonly begun: Promise<void>; end(): void } {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const source = writing("d.sql", "rows", () => {
    begun.resolve();
    return end.promise;
  });
  return { source, begun: begun.promise, end: end.resolve };
}

/** How a promise fails. */
export async function failureIn(
  promise: Promise<unknown>,
): Promise<Record<string, unknown> & { message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Record<string, unknown> & { message: string };
  }
  throw new Error("it did not fail");
}
