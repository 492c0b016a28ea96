import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { fileLocks, passingLock } from "../../src/host/lock.ts";
import { execute } from "../system/bench.ts";
import { folder, has, isLinux, isRoot, need, node } from "./places.ts";

const script = path.join(import.meta.dirname, "lock-holder.ts");

/** Another process that takes locks when it is told to. */
class Process {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: Interface) {
    this.child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async start(directory: string, owner: string, env = process.env): Promise<Process> {
    const [program = "", ...words] = [...node, script, directory, "default", owner];
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], env });
    onTestFinished(() => void child.kill("SIGKILL"));
    const started = new Process(child, createInterface({ input: child.stdout }));
    await started.#line();
    return started;
  }

  ask(what: "take" | "release"): Promise<string> {
    this.child.stdin?.write(`${what}\n`);
    return this.#line();
  }

  async kill(): Promise<void> {
    const gone = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await gone;
  }

  async #line(): Promise<string> {
    return String((await this.#lines.next()).value);
  }
}

test("of two processes one gets the lock, and the other is told who has it", async () => {
  const directory = await folder();
  const [first, second] = await Promise.all([Process.start(directory, "A"), Process.start(directory, "B")]);
  expect(await first.ask("take")).toBe("taken");
  expect(await second.ask("take")).toBe("held by A");
  expect(await first.ask("release")).toBe("released");
  expect(await second.ask("take")).toBe("taken");
  expect(await first.ask("take")).toBe("held by B");
});

test("the lock of a process that is killed is free at once, although its file is still there", async () => {
  const directory = await folder();
  const [first, second] = await Promise.all([Process.start(directory, "A"), Process.start(directory, "B")]);
  for (let round = 0; round < 3; round++) {
    const holder = round === 0 ? first : await Process.start(directory, "C");
    expect(await holder.ask("take")).toBe("taken");
    await holder.kill();
    expect(await readdir(directory)).toEqual(["default.lock"]);
    expect(await second.ask("take")).toBe("taken");
    await second.ask("release");
  }
});

test("of twenty processes that try at the same time exactly one gets it, each time", async () => {
  const directory = await folder();
  const owners = Array.from({ length: 20 }, (_, index) => `process ${index}`);
  const processes = await Promise.all(owners.map((owner) => Process.start(directory, owner)));
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(processes.map((one) => one.ask("take")));
    const winners = owners.filter((_, index) => answers[index] === "taken");
    expect(winners).toHaveLength(1);
    // Who came before the winner had written its name is told the one before, or the file.
    expect(answers.filter((answer) => answer.startsWith("held by "))).toHaveLength(19);
    await Promise.all(processes.map((one) => one.ask("release")));
  }
});

test("each job has a lock of its own, and a process that holds one cannot take it twice", async () => {
  const locks = fileLocks(path.join(await folder(), "locks"));
  const first = await locks.take("database", "A");
  const second = await locks.take("files", "A");
  expect([Object.keys(first), Object.keys(second)]).toEqual([["release"], ["release"]]);
  expect(await locks.take("database", "B")).toEqual({ heldBy: "A" });
  for (const lock of [first, second]) if ("release" in lock) await lock.release();
});

test("the lock is for its owner alone to read", async () => {
  const directory = path.join(await folder(), "locks");
  const lock = await fileLocks(directory).take("default", "A");
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await stat(path.join(directory, "default.lock"))).mode & 0o777).toBe(0o600);
  if ("release" in lock) await lock.release();
});

test("where no lock can be made, that is an error of writing, with what to do", async () => {
  const directory = await folder();
  await mkdir(path.join(directory, "default.lock"));
  await expect(fileLocks(directory).take("default", "A")).rejects.toMatchObject({
    kind: "cannot-write",
    code: "EISDIR",
  });
  await writeFile(path.join(directory, "file"), "");
  const below = fileLocks(path.join(directory, "file", "locks")).take("default", "A");
  await expect(below).rejects.toMatchObject({ kind: "cannot-write", code: "ENOTDIR" });
});

test("without flock(1) in the PATH the lock is refused and said why", async () => {
  const directory = await folder();
  const lonely = await Process.start(directory, "A", { PATH: directory });
  expect(await lonely.ask("take")).toBe(
    "cannot-write: cannot take the lock: flock cannot be started (ENOENT); flock(1) of util-linux must be in the PATH",
  );
});

test("a flock(1) that fails in its own way is not taken for somebody who holds the lock", async () => {
  const directory = await folder();
  await writeFile(path.join(directory, "flock"), "#!/bin/sh\nexit 71\n", { mode: 0o755 });
  const confused = await Process.start(directory, "A", { PATH: directory });
  expect(await confused.ask("take")).toMatch(/^cannot-write: cannot take the lock: flock ended with 71;/);
});

test("on a full disk the lock holds all the same, without the name of its owner", async (context) => {
  need(context, isLinux && isRoot && has("unshare"), "root and unshare(1), for a filesystem of 8 KiB");
  const mount = await folder();
  const full =
    "mount -t tmpfs -o size=8k tmpfs $0 && touch $0/default.lock && ! head -c 64k /dev/zero > $0/full";
  const words = [...node, script, mount, "default", "A"];
  const command = `${full}; echo take | "$@"`;
  const ended = await execute(["unshare", "--mount", "sh", "-c", command, mount, ...words], {});
  expect(ended.stdout).toBe("ready\ntaken\n");
});

test("a lock whose file goes with it is held by one at a time, and leaves nothing", async (context) => {
  need(context, isLinux && has("flock"), "flock of Linux");
  const directory = await folder();
  const file = path.join(directory, "passing.lock");
  let [inside, held, refused] = [0, 0, 0];
  const worker = async (name: string): Promise<void> => {
    for (let round = 0; round < 15; round += 1) {
      const lock = await passingLock(file, name);
      if ("heldBy" in lock) {
        refused += 1;
        continue;
      }
      inside += 1;
      held += 1;
      expect(inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 3));
      inside -= 1;
      await lock.release();
    }
  };
  await Promise.all(["a", "b", "c", "d"].map(worker));
  expect(held + refused).toBe(60);
  expect(Math.min(held, refused)).toBeGreaterThan(0);
  expect(await readdir(directory)).toEqual([]);
});
