import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import type { Store } from "../../src/core/store-ports.ts";
import { folder } from "../host/places.ts";
import { needRestic, oneRestic, type Restic, restics } from "../system/stores/restics.ts";
import { failureIn, filesOrder, never, quiet, Stage } from "./restic-stage.ts";

/** Somebody else's restic, which holds a lock for as long as its input is open. */
async function holding(place: Stage, store: Store): Promise<ChildProcess> {
  const env = place.environment(store);
  const other = spawn(place.program, ["backup", "--stdin"], { env, stdio: ["pipe", "ignore", "ignore"] });
  await expect.poll(() => store.locks(never), { timeout: 30_000 }).toHaveLength(1);
  return other;
}

async function made(context: TestContext, restic: Restic, lockWait: number) {
  const place = new Stage(await folder(), needRestic(context, restic));
  return { place, store: await place.made("store", { lockWait }) };
}

describe.each(restics())("locks of $name restic, $version", (restic) => {
  test("one of the living is waited for, and then told with who holds it", async (context) => {
    const { place, store } = await made(context, restic, 500);
    const other = await holding(place, store);
    expect(await store.locks(never)).toMatchObject([
      { pid: other.pid, exclusive: false, dead: false, user: "root" },
    ]);
    expect(await failureIn(store.prune(quiet, never))).toMatchObject({
      kind: "locked",
      found: expect.stringMatching(new RegExp(`^it is locked by process ${other.pid} of `)),
      remedy: expect.stringContaining("ec2-backup repository unlock store"),
    });
    // Two may save at once, and list.
    await store.saveFiles(filesOrder("p", [place.tree("tree")]), quiet, never);
    const patient = await place.open(place.config("store", { lockWait: 60_000 }));
    const stop = new AbortController();
    const waiting = failureIn(patient.prune(quiet, stop.signal));
    await pause(1_500);
    const began = performance.now();
    stop.abort();
    expect(await waiting).toMatchObject({ kind: "interrupted" });
    expect(performance.now() - began).toBeLessThan(10_000);
    const pruned = patient.prune(quiet, never);
    await pause(500);
    other.stdin?.end("x");
    await once(other, "exit");
    await pruned;
    expect(await store.locks(never)).toEqual([]);
  });
});

/** The processes of restic that work for a repository. */
function workers({ config: { url } }: Store): number[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const isOf = readFileSync(`/proc/${pid}/environ`, "utf8").includes(`RESTIC_REPOSITORY=${url}\0`);
      return isOf && readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("restic") ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

describe.each(restics())("a check by $name restic, $version, which has a repository for itself", (restic) => {
  test("leaves no lock that keeps other hosts out when restic is killed", async (context) => {
    const { place, store } = await made(context, restic, 500);
    // Enough to read for as long as it takes to kill it.
    const tree = place.tree("tree");
    writeFileSync(path.join(tree, "large"), randomBytes(192 * 2 ** 20));
    await store.saveFiles(filesOrder("p", [tree]), quiet, never);
    // One that is just being written has a name of its own.
    const locks = () =>
      readdirSync(path.join(store.config.url, "locks")).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const failed = failureIn(store.check({ part: 1, of: 1 }, quiet, never));
    await expect.poll(locks, { timeout: 30_000, interval: 5 }).not.toEqual([]);
    for (const pid of workers(store)) process.kill(pid, "SIGKILL");
    expect(await failed).toMatchObject({ code: "Killed", found: "restic was ended by SIGKILL" });
    expect(locks()).toEqual([]);
  });
});

describe.each(oneRestic("a current"))("locks of $name restic, $version", (restic) => {
  test("one of the dead of this host is removed, and only then", async (context) => {
    const { place, store } = await made(context, restic, 500);
    const other = await holding(place, store);
    other.kill("SIGKILL");
    await once(other, "exit");
    expect(await store.locks(never)).toMatchObject([{ pid: other.pid, dead: true }]);
    await store.prune(quiet, never);
    expect(await store.locks(never)).toEqual([]);
    const again = await holding(place, store);
    await store.unlock(never);
    expect(await store.locks(never), "of the living").toHaveLength(1);
    again.kill("SIGKILL");
    await once(again, "exit");
    await store.unlock(never);
    expect(await store.locks(never)).toEqual([]);
  });

  test("one of the dead that nobody has buried yet is removed when that is done", async (context) => {
    const { place, store } = await made(context, restic, 30_000);
    // restic's parent becomes a program that asks for no child's end.
    const line = `mkfifo input; exec 3<>input; "$0" backup --stdin <input >/dev/null 2>&1 & exec sleep 1000`;
    const env = place.environment(store);
    const parent = spawn("sh", ["-c", line, place.program], { cwd: place.directory, env, stdio: "ignore" });
    context.onTestFinished(() => void parent.kill("SIGKILL"));
    await expect.poll(() => store.locks(never), { timeout: 30_000 }).toHaveLength(1);
    const [lock] = await store.locks(never);
    process.kill(lock?.pid ?? 0, "SIGKILL");
    await expect.poll(() => store.locks(never)).toMatchObject([{ dead: true }]);
    const pruned = store.prune(quiet, never);
    await pause(1_500);
    parent.kill("SIGKILL");
    await pruned;
    expect(await store.locks(never)).toEqual([]);
  });
});

describe("a lock of the dead whose number another program has got since then", () => {
  /** A restic that finds a lock of that process, and asks whether it lives as restic does. */
  const finding = async (pid: number, minutes: number) => {
    const place = new Stage(await folder(), "/bin/true");
    const time = new Date(Date.now() - minutes * 60_000).toISOString();
    const lock = { time, exclusive: true, hostname: hostname(), username: "root", pid };
    const script = [
      'lock="$HOME/lock"',
      "case $1 in",
      `list) test ! -e "$lock" || echo ${"a".repeat(64)} ;;`,
      'cat) cat "$lock" ;;',
      `unlock) echo "$1" >>"$HOME/calls"; test ${minutes} -lt 30 && kill -HUP ${pid} || rm "$lock" ;;`,
      'prune) test ! -e "$lock" || { echo "repository is already locked" >&2; exit 11; } ;;',
      "esac",
    ].join("\n");
    writeFileSync(place.at("lock"), JSON.stringify(lock));
    const program = place.fake("restic", script);
    return place.open(place.config("store", { program, lockWait: 500 }));
  };

  test("is left alone as long as restic would send that program a signal", async (context) => {
    const stranger = spawn("sleep", ["1000"], { stdio: "ignore" });
    context.onTestFinished(() => void stranger.kill("SIGKILL"));
    await once(stranger, "spawn");
    const store = await finding(stranger.pid ?? 0, 10);
    expect(await store.locks(never)).toMatchObject([{ dead: true }]);
    expect(await failureIn(store.prune(quiet, never))).toMatchObject({
      kind: "locked",
      found: expect.stringContaining("which is gone"),
    });
    await pause(200);
    expect(stranger.signalCode).toBe(null);
    for (const cleared of [() => store.unlock(never), () => store.clearDead(never)])
      expect(await failureIn(cleared())).toMatchObject({
        kind: "locked",
        found: expect.stringContaining("its number is another program's by now"),
        remedy: expect.stringMatching(/^try again in 2[01] min/),
      });
    await pause(200);
    expect(stranger.signalCode).toBe(null);
    const later = await finding(stranger.pid ?? 0, 32);
    await later.prune(quiet, never);
    expect(await later.locks(never)).toEqual([]);
    expect(stranger.signalCode).toBe(null);
  });
});
