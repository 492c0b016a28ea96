import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, type TestContext } from "vitest";
import { mountTable } from "../../src/host/mount-descriptors.ts";
import { has, isLinux, isRoot, node } from "../host/places.ts";

/** Tests that run side by side have hooks of their own. */
export type Context = Pick<TestContext, "onTestFinished">;

/** Why nothing can be frozen here; absent where it can. In CI that is an error. */
export const hindrance = ((): string | undefined => {
  if (!isLinux || !isRoot) return "it needs root on Linux";
  const missing = ["fsfreeze", "flock", "losetup", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"].filter(
    (one) => !has(one),
  );
  if (missing.length > 0) return `it needs ${missing.join(", ")}`;
  return readdirSync("/dev").includes("loop-control") ? undefined : "it needs loop devices";
})();
if (hindrance !== undefined && process.env["CI"] === "true") throw new Error(`freeze: ${hindrance}`);
if (hindrance !== undefined) console.log(`freeze: skipped, ${hindrance}`);

/** A filesystem of our own, mounted over a loop device. */
export interface Disk {
  readonly path: string;
  readonly superblock: string;
}

/** All that are mounted, since one on a loop device cannot be unmounted while the one below it is frozen. */
const mounted = new Set<string>();

const sizes = { ext4: "64M", xfs: "320M", btrfs: "128M" } as const;

/**
 * A fresh filesystem, which is thawed, unmounted and gone when the test ends, when its process dies, or
 * after some seconds: by a process of its own that waits for the first of these.
 */
export async function diskOf(
  { onTestFinished }: Context,
  filesystem: keyof typeof sizes = "ext4",
  below: string = tmpdir(),
  seconds = 60,
): Promise<Disk> {
  const folder = mkdtempSync(path.join(below, "ec2-backup-disk-"));
  const script = `
    trap '' TERM INT HUP PIPE
    set -e
    mkdir "$1/mount"
    truncate -s "$3" "$1/image"
    "mkfs.$2" -q "$1/image" >/dev/null
    mount -o loop "$1/image" "$1/mount"
    echo mounted || true
    timeout "$4" cat >/dev/null || true
    set +e
    for turn in 1 2 3; do
      fsfreeze -u "$1/mount"; umount "$1/mount" && break
      sleep 0.2
    done 2>/dev/null
    mountpoint -q "$1/mount" && umount -l "$1/mount"
    rm -rf "$1"`;
  const keeper = spawn(
    "sh",
    ["-c", script, "keeper", folder, filesystem, sizes[filesystem], String(seconds)],
    {
      detached: true,
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const gone = once(keeper, "exit");
  onTestFinished(async () => {
    for (const one of mounted) spawn("fsfreeze", ["-u", one], { stdio: "ignore" });
    mounted.delete(path.join(folder, "mount"));
    keeper.stdin.end();
    await gone;
  });
  await Promise.race([once(keeper.stdout, "data"), gone.then(() => expect.fail("no disk was made"))]);
  const mount = path.join(folder, "mount");
  mounted.add(mount);
  const superblock = mountTable().find((one) => one.path === mount)?.superblock;
  return { path: mount, superblock: superblock ?? expect.fail(`${mount} is not mounted`) };
}

export function freezeByHand({ path }: Disk): void {
  expect(spawnSync("fsfreeze", ["-f", path]).status, `freeze ${path}`).toBe(0);
}

/** Whether it was frozen until now. */
export function thawByHand({ path }: Disk): boolean {
  return spawnSync("fsfreeze", ["-u", path]).status === 0;
}

/** Whether it is frozen, by the only question there is: another freeze, which is undone at once. */
export function isFrozen(disk: Disk): boolean {
  const tried = spawnSync("fsfreeze", ["-f", disk.path], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (tried.status === 0) {
    // A thaw that was still under way may come first; either way it was not frozen.
    thawByHand(disk);
    return false;
  }
  expect(tried.stderr).toContain("Device or resource busy");
  return true;
}

/** Waits until all are thawed; returns how long that took. Milliseconds. */
export async function thawedWithin(disks: readonly Disk[], limit: number): Promise<number> {
  const begun = performance.now();
  for (const disk of disks) {
    while (isFrozen(disk)) {
      if (performance.now() - begun > limit) expect.fail(`${disk.path} is frozen after ${limit} ms`);
      await sleep(10);
    }
  }
  return performance.now() - begun;
}

/** Writes and syncs a few bytes without a pause, and knows how long it had to stand still. */
export class Writer {
  readonly #child: ChildProcess;
  readonly #stalls: number[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start({ onTestFinished }: Context, { path: folder }: Disk): Promise<Writer> {
    const [program = "", ...words] = [...node, path.join(import.meta.dirname, "freeze-writer.ts"), folder];
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
    const writer = new Writer(child);
    const lines = createInterface({ input: child.stdout });
    const gone = once(child, "exit");
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await Promise.race([gone, sleep(5_000)]);
    });
    const first = once(lines, "line");
    lines.on("line", (line) => {
      if (line !== "writing") writer.#stalls.push(Number.parseFloat(line));
    });
    await first;
    return writer;
  }

  /** Its longest pause since this was last asked, or 0 if there was none worth the name. Milliseconds. */
  takeStall(): number {
    return Math.max(0, ...this.#stalls.splice(0));
  }

  /** Ends it and returns its longest pause between two writes. Milliseconds. */
  async longestStall(): Promise<number> {
    const gone = once(this.#child, "close");
    this.#child.stdin?.end();
    await gone;
    return Math.max(...this.#stalls);
  }
}

/** The processes whose command line has the text, as pids. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8")
          .split("\0")
          .some((word) => word.includes(text));
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** All processes of a session. */
export function sessionOf(leader: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/stat`, "utf8");
        const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
        return fields[0] !== "Z" && fields[3] === String(leader);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The one guard that keeps its ledgers in a runtime directory. */
export function ledgerText(runtime: string): string {
  const [name] = readdirSync(runtime).filter((one) => /^guard-[0-9a-f]+$/.test(one));
  return name === undefined ? "" : readFileSync(path.join(runtime, name, "ledger"), "utf8");
}

export interface GuardProcesses {
  readonly guard: number;
  readonly timer: number | undefined;
}

export function guardOf(runtime: string): GuardProcesses {
  const text = ledgerText(runtime);
  const guard = Number(/^guard (\d+)/m.exec(text)?.[1]);
  const timer = [...text.matchAll(/^timer (\d+)/gm)].at(-1)?.[1];
  return { guard, timer: timer === undefined ? undefined : Number(timer) };
}

export function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}
