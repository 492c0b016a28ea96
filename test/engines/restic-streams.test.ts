import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import type { CommandDumpConfig } from "../../src/core/dump-config.ts";
import type { StreamSource } from "../../src/core/store-ports.ts";
import { sources } from "../hooks/dumping.ts";
import { folder, node } from "../host/places.ts";
import { needRestic, oneRestic, type Restic, restics } from "../system/stores/restics.ts";
import { failureIn, never, order, quiet, Stage, writing } from "./restic-stage.ts";

/** A program that writes to the store's pipe, as a dump does. */
function program(file: string, script: string, started: (child: ChildProcess) => void = quiet): StreamSource {
  return {
    file,
    start(output, signal) {
      const child = spawn("sh", ["-c", script], { stdio: ["ignore", output, "ignore"], detached: true });
      started(child);
      signal.addEventListener("abort", () => child.kill("SIGKILL"));
      const done = once(child, "exit").then(([code]) => {
        if (code !== 0) throw new Error(`the dump ended with ${code}`);
      });
      return { done };
    },
  };
}

/** The processes that were told of the repositories of a place. */
function resticsOf(place: Stage): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`=${place.at("store")}\0`)
      );
    } catch {
      return false;
    }
  });
}

async function made(context: TestContext, restic: Restic) {
  const place = new Stage(await folder(), needRestic(context, restic));
  return { place, store: await place.made("store") };
}

describe.each(restics())("a stream into a repository by $name restic, $version", (restic) => {
  test("of nothing is none, and says where to look", async (context) => {
    const { store } = await made(context, restic);
    const nothing = program("d.sql", "true");
    expect(await failureIn(store.saveStream(order("p"), nothing, quiet, never))).toMatchObject({
      found: "nothing came that could be stored",
      remedy: expect.stringContaining("see what the dump's program prints"),
    });
    expect(await store.snapshots([], never)).toEqual([]);
  });

  test("is stored as it was written, by a program that writes for itself", async (context) => {
    const { place, store } = await made(context, restic);
    const saved = await store.saveStream(
      order("p"),
      program("d.sql", "head -c 20000000 /dev/zero; echo the end"),
      quiet,
      never,
    );
    expect(saved).toMatchObject({ bytes: 20_000_008, id: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(place.restic(store, "dump", saved.id, "/d.sql").slice(-8)).toBe("the end\n");
    expect(
      await failureIn(store.saveStream(order("p"), writing("a/b.sql", "x"), quiet, never)),
    ).toMatchObject({
      found: "no plain file name",
    });
  });

  test("that fails at its last byte leaves nothing, and no lock", async (context) => {
    const { store } = await made(context, restic);
    const fails = program("d.sql", "head -c 3000000 /dev/zero; exit 7");
    expect((await failureIn(store.saveStream(order("p1"), fails, quiet, never))).message).toContain(
      "ended with 7",
    );
    // It says at once that it fails, while restic still looks for its end.
    const rejects = { file: "e.sql", start: () => ({ done: Promise.reject(new Error("no")) }) };
    expect((await failureIn(store.saveStream(order("p2"), rejects, quiet, never))).message).toBe("no");
    const stop = new AbortController();
    const slow = program(
      "f.sql",
      "echo some; exec sleep 1000",
      () => void setTimeout(() => stop.abort(), 300),
    );
    await failureIn(store.saveStream(order("p3"), slow, quiet, stop.signal));
    expect(await store.snapshots([], never)).toEqual([]);
    expect(await store.locks(never)).toEqual([]);
  });
});

describe.each(oneRestic())("a stream into a repository by $name restic", (restic) => {
  test("of a restic that is killed ends its source too, and says so", async (context) => {
    const { place, store } = await made(context, restic);
    let dump: ChildProcess | undefined;
    const source = program("d.sql", "while :; do echo more; sleep 0.05; done", (child) => {
      dump = child;
      setTimeout(async () => {
        for (const { pid } of await store.locks(never)) process.kill(pid, "SIGKILL");
      }, 500);
    });
    const failure = await failureIn(store.saveStream(order("p"), source, quiet, never));
    expect(failure.message).toContain("restic was ended by SIGKILL");
    expect(dump?.exitCode ?? dump?.signalCode).not.toBe(null);
    expect(await store.snapshots([], never)).toEqual([]);
    // Its lock stands in nobody's way.
    await store.prune(quiet, never);
    expect(place.restic(store, "list", "locks", "--no-lock")).toBe("");
  });

  test("of an agent that is killed at any moment never becomes a snapshot", async (context) => {
    const { place, store } = await made(context, restic);
    const agent = path.join(import.meta.dirname, "restic-agent.ts");
    for (const after of [0, 300, 1_500]) {
      const events = place.at("events");
      writeFileSync(events, "");
      const words = [...node.slice(1), agent, place.directory, place.program];
      const child = spawn(process.execPath, words, { stdio: "ignore" });
      const gone = once(child, "exit");
      // From the moment that the agent opens the store to that in which half of the dump is stored.
      await expect
        .poll(() => readFileSync(events, "utf8"), { timeout: 60_000, interval: 5 })
        .toContain("store");
      await pause(after);
      child.kill("SIGKILL");
      await gone;
      // Whatever restic still does, it has done when it is gone.
      await expect.poll(() => resticsOf(place), { timeout: 30_000 }).toEqual([]);
      expect(await store.snapshots([], never), `killed after ${after} ms`).toEqual([]);
    }
  });
});

/** A dump as the agent makes it. */
async function dumpOf(script: string, more: Partial<CommandDumpConfig> = {}): Promise<StreamSource> {
  const run = ["/bin/sh", "-c", script];
  const config = { kind: "command", name: "ldap", repository: "store", run, ...more } as const;
  const [stream] = await sources(config);
  if (stream === undefined) throw new Error("no stream");
  return stream.source;
}

describe.each(oneRestic())("a dump beside an idle $name restic", (restic) => {
  const impatient = async (context: TestContext) => {
    const place = new Stage(await folder(), needRestic(context, restic));
    return { place, store: await place.made("store", { idleTimeout: 2_000 }) };
  };

  test("is waited for as long as it may take itself, by way of a directory", async (context) => {
    const { place, store } = await impatient(context);
    const dump = await dumpOf("sleep 5; echo whole", { spool: place.at("spool") });
    const saved = await store.saveStream(order("p"), dump, quiet, never);
    expect(place.restic(store, "dump", saved.id, "/ldap")).toBe("whole\n");
  });

  test("is waited for as long as it may take itself, straight", async (context) => {
    const { place, store } = await impatient(context);
    const dump = await dumpOf("echo begun; sleep 5; echo whole", { idleTimeout: 6_000 });
    const saved = await store.saveStream(order("p"), dump, quiet, never);
    expect(place.restic(store, "dump", saved.id, "/ldap")).toBe("begun\nwhole\n");
  });

  test("is no excuse for a restic that reads no more", async (context) => {
    const { store } = await impatient(context);
    const dump = await dumpOf("exec yes", { idleTimeout: 6_000 });
    const failure = failureIn(store.saveStream(order("p"), dump, quiet, never));
    await expect.poll(() => store.locks(never), { timeout: 30_000 }).toHaveLength(1);
    for (const { pid } of await store.locks(never)) process.kill(pid, "SIGSTOP");
    expect(await failure).toMatchObject({ code: "IdleTimeout" });
    expect(await store.snapshots([], never)).toEqual([]);
  });
});
