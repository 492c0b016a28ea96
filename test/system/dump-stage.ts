// What the dumps of real servers share: a repository of the real restic, and clients that are killed half-way.
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { chmod, open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { type TestContext, vi } from "vitest";
import type { DumpConfig, DumpStream } from "../../src/core/dump-config.ts";
import { dumpRestoreWords } from "../../src/core/dump-restore-words.ts";
import type { Store } from "../../src/core/store-ports.ts";
import { never, quiet, Stage } from "../engines/restic-stage.ts";
import { sources } from "../hooks/dumping.ts";
import { folder } from "../host/places.ts";
import { needRestic, type Restic, restics } from "./stores/restics.ts";

/** A repository of the system's restic, or of the current one where the system has none. */
export async function repository(context: TestContext): Promise<DumpStage> {
  const [first, second] = restics();
  if (first === undefined || second === undefined) throw new Error("no restic");
  return repositoryOf(context, first.program === undefined ? second : first);
}

export async function repositoryOf(context: TestContext, restic: Restic): Promise<DumpStage> {
  const stage = new Stage(await folder(), needRestic(context, restic));
  // The users of the servers load what comes back.
  await chmod(stage.directory, 0o755);
  return new DumpStage(stage, await stage.made("repository"));
}

export class DumpStage {
  readonly store: Store;
  readonly #stage: Stage;
  #count = 0;

  constructor(stage: Stage, store: Store) {
    this.#stage = stage;
    this.store = store;
  }

  /** Where a test may put what it needs. */
  at(...names: string[]): string {
    return this.#stage.at(...names);
  }

  /** Saves one stream; what it comes to is the id of its snapshot. */
  async save({ source, series }: DumpStream, signal = never): Promise<string> {
    const order = { tags: [`point=${++this.#count}`, `series=${series}`], host: "test", time: new Date() };
    const { id, bytes } = await this.store.saveStream(order, source, quiet, signal);
    if (bytes === 0) throw new Error(`${series} is empty`);
    return id;
  }

  /** How many snapshots there are. */
  async count(): Promise<number> {
    return (await this.store.snapshots([], never)).length;
  }

  /** The stored file as a file again, in a directory that everybody may read. */
  async file(id: string, { source }: DumpStream): Promise<string> {
    const directory = this.at(`out${++this.#count}`);
    mkdirSync(directory, { mode: 0o755 });
    const file = path.join(directory, source.file);
    const handle = await open(file, "w", 0o644);
    try {
      await this.store.dump(id, `/${source.file}`, handle.fd, never);
    } finally {
      await handle.close();
    }
    return file;
  }

  /** The line that people are told to load it with. */
  async line(id: string, stream: DumpStream): Promise<string> {
    const [line] = dumpRestoreWords(stream.tags, await this.file(id, stream)).lines;
    if (line === undefined) throw new Error(`nothing loads ${stream.series}`);
    return line;
  }
}

type Wished<Dump> = Dump extends DumpConfig ? Omit<Dump, "repository"> : never;

/** The streams of a dump into a repository called central. */
export function streamsOf(config: Wished<DumpConfig>): Promise<readonly DumpStream[]> {
  return sources({ repository: "central", ...config } as DumpConfig);
}

/** The processes that this one has started. */
async function children(): Promise<readonly string[]> {
  const lists = (await readdir("/proc/self/task")).map((task) =>
    readFile(`/proc/self/task/${task}/children`, "utf8").catch(() => ""),
  );
  return (await Promise.all(lists)).flatMap((list) => list.split(" ").filter((pid) => pid !== ""));
}

/**
 * The process of ours that runs a program, once it has written so many bytes. Only our own are looked at: to look at all
 * of a busy machine takes longer than a dump.
 */
export async function halfWay(program: string, bytes = 1_000_000): Promise<number> {
  return vi.waitUntil(
    async () => {
      for (const pid of await children()) {
        const [comm, io] = await Promise.all(
          ["comm", "io"].map((what) => readFile(`/proc/${pid}/${what}`, "utf8").catch(() => "")),
        );
        const written = Number(/wchar: (\d+)/.exec(io ?? "")?.[1] ?? 0);
        if (comm?.trim() === program && written >= bytes) return Number(pid);
      }
      return undefined;
    },
    { timeout: 60_000, interval: 2 },
  ) as Promise<number>;
}

/** Kills a dump's program when it has written a part. */
export async function killHalfWay(program: string): Promise<void> {
  process.kill(await halfWay(program), "SIGKILL");
}

/** Waits until a question is answered by another number. */
export async function moved(ask: () => Promise<string>): Promise<void> {
  const before = await ask();
  await vi.waitUntil(async () => (await ask()) !== before, { timeout: 60_000, interval: 50 });
}

export async function shell(line: string, env: Record<string, string>, user?: string): Promise<string> {
  const as =
    user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", "--"];
  const [program = "", ...words] = [...as, "/bin/sh", "-c", line];
  const { PATH } = process.env;
  const { stdout } = await promisify(execFile)(program, words, {
    cwd: "/",
    env: { PATH, HOME: "/nonexistent", ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
