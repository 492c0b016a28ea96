import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { PreparedHook } from "../../src/core/hook.ts";
import type { MongodbHookConfig } from "../../src/core/hook-config.ts";
import { mongodbHook, mongodbNote, undoMongodb } from "../../src/hooks/mongodb.ts";
import { folder } from "../host/places.ts";
import { after, facts, failureIn, isPending, never } from "./facts.ts";
import { type FakeMongod, fakeMongod } from "./fake-mongod.ts";

const uid = process.getuid?.();
const waits = { answer: 500, retry: 50, attempts: 4 };

/** A ledger that remembers, and what had been noted when each lock was asked for. */
function ledgerOf(): {
  notes: { kind: string; data: unknown }[];
  note: (kind: string, data: unknown) => Promise<{ drop(): Promise<void> }>;
} {
  const notes: { kind: string; data: unknown }[] = [];
  return {
    notes,
    note: async (kind, data) => {
      const entry = { kind, data };
      notes.push(entry);
      return { drop: async () => void notes.splice(notes.indexOf(entry), 1) };
    },
  };
}

interface Bench {
  readonly server: FakeMongod;
  readonly prepared: PreparedHook;
  readonly notes: { kind: string; data: unknown }[];
}

function configOf({ uri }: FakeMongod): MongodbHookConfig {
  return { kind: "mongodb", name: "mongodb", uri, timeout: 1000, deadline: 5000, onFailure: "abort" };
}

async function bench(more: Partial<MongodbHookConfig> = {}): Promise<Bench> {
  const server = await fakeMongod();
  const ledger = ledgerOf();
  const prepared = await mongodbHook({ ...configOf(server), ...more }, { uid, ledger }, waits).prepare(
    facts,
    never,
  );
  onTestFinished(() => prepared.close());
  return { server, prepared, notes: ledger.notes };
}

test("writes are locked from the hold to the release, and the lock is noted meanwhile", async () => {
  const { server, prepared, notes } = await bench();
  expect(server.commands).toEqual([]);
  for (const _ of [1, 2]) {
    const held = await prepared.hold(never);
    expect(server.locks).toBe(1);
    expect(notes).toEqual([{ kind: mongodbNote, data: { uri: server.uri } }]);
    expect(await held.release(true)).toEqual({ held: true, problems: [], facts: { "lock-count": "1" } });
    expect(server.locks).toBe(0);
    expect(notes).toEqual([]);
  }
});

test("the note is there before the lock is asked for: without it nothing is locked", async () => {
  const server = await fakeMongod();
  const ledger = { note: () => Promise.reject(new Error("no space")) };
  const prepared = await mongodbHook(configOf(server), { uid, ledger }, waits).prepare(facts, never);
  onTestFinished(() => prepared.close());
  expect((await failureIn(prepared.hold(never))).message).toBe("no space");
  expect(server.commands).not.toContain("fsync");
});

test("the lock is ended at the deadline, and the release says so", async () => {
  const { server, prepared, notes } = await bench({ deadline: 200 });
  const held = await prepared.hold(never);
  await after(500);
  expect(server.locks).toBe(0);
  const holding = await held.release(true);
  expect(holding.held).toBe(false);
  expect(holding.problems).toMatchObject([{ found: "the lock was ended at the deadline of 200ms" }]);
  expect(server.commands.filter((one) => one === "fsyncUnlock")).toHaveLength(1);
  expect(notes).toEqual([]);
});

test.each(["drop", "hang", { ok: 0, code: 11600, errmsg: "interrupted" }] as const)(
  "an unlock that fails (%j) is tried again",
  async (fault) => {
    const { server, prepared, notes } = await bench();
    const held = await prepared.hold(never);
    server.faults.push({ command: "fsyncUnlock", fault });
    expect(await held.release(true)).toMatchObject({ held: true, problems: [] });
    expect(server.locks).toBe(0);
    expect(notes).toEqual([]);
  },
);

test("a lock that cannot be ended is told with the command that ends it, and stays noted until it is undone", async () => {
  const { server, prepared, notes } = await bench();
  const held = await prepared.hold(never);
  server.faults.push(
    ...Array.from({ length: 4 }, () => ({ command: "fsyncUnlock", fault: "hang" as const })),
  );
  const holding = await held.release(true);
  expect(holding.held).toBe(true);
  expect(holding.problems).toMatchObject([
    {
      found: expect.stringContaining("ALL WRITES MAY STILL BE BLOCKED"),
      remedy: expect.stringContaining(`mongosh '${server.uri}' --eval 'db.fsyncUnlock()'`),
    },
  ]);
  expect(notes).toHaveLength(1);
  expect(server.locks).toBe(1);
  await undoMongodb(notes[0]?.data, { uid }, waits);
  expect(server.locks).toBe(0);
  // What is ended already needs no undoing.
  await undoMongodb(notes[0]?.data, { uid }, waits);
  await server.stop();
  expect((await failureIn(undoMongodb(notes[0]?.data, { uid }, waits))).message).toContain(
    "STILL BE BLOCKED",
  );
  expect((await failureIn(undoMongodb({}, { uid }, waits))).message).toContain("no connection string");
});

test("a server that restarted meanwhile had no lock any more", async () => {
  const { server, prepared, notes } = await bench();
  const held = await prepared.hold(never);
  await server.stop();
  await server.restart();
  const holding = await held.release(true);
  expect(holding.held).toBe(false);
  expect(holding.problems).toMatchObject([{ found: "the lock was gone before the release" }]);
  expect(notes).toEqual([]);
  // By then a lock could be somebody else's.
  expect(server.commands).not.toContain("fsyncUnlock");
});

test("after the release the deadline ends nobody's lock", async () => {
  const { server, prepared } = await bench({ deadline: 200 });
  await (await prepared.hold(never)).release(true);
  server.locks = 1;
  await after(400);
  expect(server.locks).toBe(1);
});

test("a lock that is gone is told also where the user may not look whether it is there", async () => {
  const { server, prepared } = await bench();
  const denied = { ok: 0, code: 13, errmsg: "not authorized on admin" };
  const deny = (): void => void server.faults.push({ command: "currentOp", fault: denied });
  deny();
  const held = await prepared.hold(never);
  server.locks = 0;
  deny();
  expect(await held.release(true)).toMatchObject({ held: false });
  deny();
  const again = await prepared.hold(never);
  deny();
  server.faults.push({ command: "fsyncUnlock", fault: "drop" });
  // Ended by the attempt whose answer was lost, or gone before: who cannot tell does not claim it.
  expect(await again.release(true)).toMatchObject({ held: false });
  expect(server.locks).toBe(0);
});

test("somebody else's lock is left alone", async () => {
  const { server, prepared, notes } = await bench();
  server.locks = 1;
  expect(await failureIn(prepared.hold(never))).toMatchObject({
    kind: "refused",
    found: "somebody else has locked it",
  });
  expect(server.locks).toBe(1);
  expect(notes).toEqual([]);
});

test.each(["drop", "hang", "late"] as const)(
  "a lock whose answer is lost (%s) is ended again",
  async (fault) => {
    const { server, prepared, notes } = await bench({ timeout: 300 });
    server.faults.push({ command: "fsync", fault });
    const stop = new AbortController();
    const holding = failureIn(prepared.hold(stop.signal));
    if (fault === "late") {
      await after(100);
      stop.abort();
    } else if (fault === "hang") server.locks = 0;
    expect(await holding).toMatchObject({ kind: fault === "late" ? "interrupted" : "unreachable" });
    expect(server.locks).toBe(0);
    expect(notes).toEqual([]);
    expect(await (await prepared.hold(never)).release(true)).toMatchObject({ held: true });
  },
);

test("what the server refuses is told, with the role that is needed, and leaves nothing behind", async () => {
  const { server, prepared, notes } = await bench();
  server.faults.push({ command: "fsync", fault: { ok: 0, code: 13, errmsg: "not authorized on admin" } });
  const error = await failureIn(prepared.hold(never));
  expect(error).toMatchObject({ kind: "denied", remedy: expect.stringContaining('["hostManager"]') });
  expect(server.commands).not.toContain("fsyncUnlock");
  expect(notes).toEqual([]);
});

test("a server that is not there is unreachable, one that says nothing too", async () => {
  const { server } = await bench();
  await server.stop();
  const config = { ...configOf(server), timeout: 400 };
  const hook = mongodbHook(config, { uid, ledger: ledgerOf() }, waits);
  const began = performance.now();
  expect(await failureIn(hook.prepare(facts, never))).toMatchObject({ kind: "unreachable" });
  expect(performance.now() - began).toBeLessThan(10_000);
  const stop = new AbortController();
  const preparing = failureIn(
    mongodbHook({ ...config, timeout: 20_000 }, { uid, ledger: ledgerOf() }, waits).prepare(
      facts,
      stop.signal,
    ),
  );
  await after(50);
  stop.abort();
  expect(await isPending(preparing, 2500)).toBe(false);
});

test("no password gets into a failure, and none is taken from the connection string", async () => {
  const server = await fakeMongod();
  const file = path.join(await folder(), "password");
  await writeFile(file, "hush-hush\n", { mode: 0o600 });
  const at = (more: Partial<MongodbHookConfig>): Promise<PreparedHook> =>
    mongodbHook({ ...configOf(server), ...more }, { uid, ledger: ledgerOf() }, waits).prepare(facts, never);
  server.faults.push({ command: "saslStart", fault: { ok: 0, code: 18, errmsg: "no entry with hush-hush" } });
  const error = await failureIn(at({ user: "u", passwordFile: file }));
  expect(error).toMatchObject({ kind: "denied", found: "no entry with ***" });
  const inUri = await failureIn(at({ uri: server.uri.replace("//", "//u:hush-hush@") }));
  expect(inUri).toMatchObject({ kind: "configuration", found: "a password in the connection string" });
  for (const one of [error, inUri])
    expect(JSON.stringify(one) + one.message + one.stack).not.toContain("hush-hush");
});
