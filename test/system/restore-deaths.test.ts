import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { chanceOf } from "./chance.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { RestoreHost } from "./restore-host.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(
  `restores that are killed on the host: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`,
);
const chance = chanceOf(seed);
const rounds = soak ? 50 : 1;

/** The programs that a process has started and that still run. */
function childrenOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  } catch {
    return [];
  }
}

/** The program of a process that was just begun; it may have ended by then. */
async function nameOf(pid: string): Promise<string> {
  for (let left = 200; left > 0; left--) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      if (words[0] !== process.execPath) return words.slice(0, 3).join(" ");
    } catch {
      break;
    }
    await turn();
  }
  return "?";
}

/** Kills a process once it has started so many programs, which go on; tells the last, and how many it was. */
async function killedAt(
  pid: number,
  count: number,
): Promise<{ readonly seen: number; readonly last: string }> {
  const seen = new Set<string>();
  for (;;) {
    for (const child of childrenOf(pid)) {
      if (seen.has(child)) continue;
      seen.add(child);
      if (seen.size < count) continue;
      process.kill(pid, "SIGKILL");
      return { seen: seen.size, last: await nameOf(child) };
    }
    try {
      process.kill(pid, 0);
    } catch {
      return { seen: seen.size, last: "" };
    }
    await turn();
  }
}

/** What is asked of the command, and killed at its n-th program. */
async function dying(host: RestoreHost, words: readonly string[], count: number) {
  const started = Promise.withResolvers<number>();
  const ended = host.restore(words, started.resolve);
  const killed = await killedAt(await started.promise, count);
  return { ...(await ended), ...killed };
}

test("a btrfs of two volumes beside its original: killed between any two steps on the host, it is finished or undone", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await RestoreHost.start({ pair: true });
  const original = path.join(host.disks.directory, "in-use");
  const identity = () => sh("findmnt", "-nro", "SOURCE,UUID", original);
  const [before, was] = [await host.originals(), await identity()];
  const unharmed = async (where: string) => {
    expect([await host.originals(), await identity()], where).toEqual([before, was]);
    expect(await readFile(path.join(original, "sentinel"), "utf8"), where).toBe("as it is now\n");
  };
  const words = (label: string) => ["volumes", "--mount", host.mountedAt, "--yes", "--label", label];
  const told: string[] = [];
  // How many programs a restore starts, and an undoing of one.
  let [most, mostUndoing] = [24, 10];
  for (let round = 0; round < rounds; round++) {
    const label = `round-${round}`;
    const first = await dying(host, words(label), 1 + Math.floor(chance() * 0.8 * most));
    if (first.last === "") most = first.seen;
    told.push(first.last);
    const where = `SEED=${seed}, round ${round}: killed at ${first.last} (${first.seen})`;
    await unharmed(where);
    if (round % 2 === 0) {
      const next = await host.restore(words(label));
      expect([next.code, next.told.result?.notMounted], `${where}: ${next.stdout}${next.stderr}`).toEqual([
        0,
        [],
      ]);
      expect(await readFile(path.join(host.mountedAt, "sentinel"), "utf8"), where).toBe("as it was\n");
      expect(await host.made(), where).toHaveLength(2);
      await unharmed(where);
    }
    const undo = await host.undoing();
    const cut = await dying(host, undo, 1 + Math.floor(chance() * 0.8 * mostUndoing));
    if (cut.last === "" && cut.seen > 0) mostUndoing = cut.seen;
    told.push(cut.last);
    const undone = await host.restore(undo);
    const there = `${where}, undoing killed at ${cut.last} (${cut.seen}): ${undone.stdout}${undone.stderr}`;
    expect([undone.code, await host.made()], there).toEqual([0, []]);
    expect(await readFile("/proc/self/mounts", "utf8"), there).not.toContain(` ${host.mountedAt}`);
    await unharmed(there);
  }
  console.log(`killed at ${told.map((one) => one || "no program").join("; ")}`);
}, 1_200_000);
