import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { type BenchDisk, BlockBench } from "./block-bench.ts";
import { type Disk, isFrozen } from "./freeze-lab.ts";
import { HeldStage, hookOf, type JobWords } from "./held-stage.ts";
import { FileWatch, LockWatch, longest, type Pause } from "./hold-watch.ts";
import { sh } from "./loop-disks.ts";
import { mariadb } from "./servers.ts";
import { Stack } from "./stack.ts";
import { type Subject, underLoad } from "./subjects.ts";

/** The least that the configuration allows, for the lock and the freeze. Milliseconds. */
export const deadline = 1_000;

/** A disk as the tests of the freeze know it. */
export function asDisk({ mount }: BenchDisk): Disk {
  return { path: mount, superblock: "" };
}

/** What was seen from outside of one round. */
export interface Seen {
  readonly files: ReadonlyMap<BenchDisk, readonly Pause[]>;
  readonly lock: readonly Pause[];
}

/** A host with MariaDB under load on ext4, a disk with XFS, and one that somebody else may freeze; all watched. */
export class HoldHouse implements AsyncDisposable {
  readonly #stack: Stack;
  readonly blocks: BlockBench;
  readonly stage: HeldStage;
  readonly subject: Subject;
  /** Those that are watched. */
  readonly disks: readonly BenchDisk[];
  readonly theirs: BenchDisk;
  readonly fullLog: string;
  readonly #files: ReadonlyMap<BenchDisk, FileWatch>;
  readonly #lock: LockWatch;

  private constructor(
    parts: Pick<HoldHouse, "blocks" | "stage" | "subject" | "disks" | "theirs" | "fullLog"> & {
      readonly stack: Stack;
      readonly files: ReadonlyMap<BenchDisk, FileWatch>;
      readonly lock: LockWatch;
    },
  ) {
    this.#stack = parts.stack;
    this.blocks = parts.blocks;
    this.stage = parts.stage;
    this.subject = parts.subject;
    this.disks = parts.disks;
    this.theirs = parts.theirs;
    this.fullLog = parts.fullLog;
    this.#files = parts.files;
    this.#lock = parts.lock;
  }

  static async start(): Promise<HoldHouse> {
    await using stack = new Stack();
    const blocks = stack.use(await BlockBench.start());
    const data = await blocks.disk("data", "ext4");
    const disks = [data, await blocks.disk("files", "xfs")];
    const theirs = await blocks.disk("theirs", "ext4", 64);
    const subject = await underLoad(blocks, stack, mariadb, data);
    const stage = stack.use(await HeldStage.start(blocks.scenario()));
    const files = new Map<BenchDisk, FileWatch>();
    for (const disk of disks) files.set(disk, stack.use(await FileWatch.start(disk.mount)));
    const lock = stack.use(await LockWatch.start(stack.use(subject.server.session())));
    const log = await blocks.disks.mount("tmpfs", "full", "-t", "tmpfs", "-o", "size=64k");
    const fullLog = path.join(log, "log");
    await writeFile(fullLog, "");
    await sh("dd", "if=/dev/zero", `of=${path.join(log, "filling")}`, "bs=4k").catch(() => undefined);
    await expect(writeFile(fullLog, "a line"), "the log's disk is full").rejects.toThrow("ENOSPC");
    const house = { blocks, stage, subject, disks, theirs, fullLog, files, lock };
    const made = new HoldHouse({ ...house, stack: stack.move() });
    await made.configure();
    return made;
  }

  async configure(freeze: JobWords = {}): Promise<void> {
    const brief = { deadline: `${deadline}ms` };
    const lock = hookOf(this.subject, { lock: "global", lockWait: "1s", ...brief });
    await this.stage.configure([lock, { freeze: { mounts: "data", ...brief, ...freeze } }]);
  }

  /** What stands still by our doing, where `theirs` says whether somebody else has frozen theirs. */
  frozen(theirs = false): BenchDisk[] {
    const ours = theirs ? this.disks : [...this.disks, this.theirs];
    return ours.filter((disk) => isFrozen(asDisk(disk)));
  }

  /** Waits until the lock is gone and something is committed again. */
  async goesOn(): Promise<void> {
    const more = this.subject.load.more(1).then(() => true);
    expect(await Promise.race([more, sleep(3_000, false)]), "a transaction is committed again").toBe(true);
    while (this.#lock.waiting() > 100) {
      if (this.#lock.waiting() > deadline + 1_000) expect.fail("the lock is still held");
      await sleep(10);
    }
    // What is seen by another process is told later, as long as the machine takes for it.
    await Promise.all([...this.#files.values()].map((watch) => watch.settled()));
  }

  /**
   * What was seen since this was last asked; nothing may have stood still for too long. Where nobody was left to thaw,
   * writes stand still until somebody comes, however long that takes, and no longer. `rescued`: Date.now() then.
   */
  seen(rescued?: number): Seen {
    const files = new Map([...this.#files].map(([disk, watch]) => [disk, watch.take()]));
    const lock = this.#lock.take();
    for (const [{ mount }, pauses] of files) {
      const long = pauses.filter(({ from, to }) => to - from >= deadline + 1_000);
      const left = long.filter(({ to }) => rescued === undefined || to > rescued + 1_000);
      expect(left, `writes to ${mount} stood still for too long`).toEqual([]);
    }
    expect(longest(lock), "inserts stood still").toBeLessThan(deadline + 1_000);
    return { files, lock };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
