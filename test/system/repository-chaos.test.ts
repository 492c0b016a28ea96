import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkRepository } from "../../src/actions/check-repository.ts";
import { BackupError } from "../../src/core/errors.ts";
import type { Store } from "../../src/core/store-ports.ts";
import { systemClock } from "../../src/host/clock.ts";
import { need } from "../host/places.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { configured, local, ready, rest, type StoreKind, s3, sftp } from "./stores/kinds.ts";
import { opened } from "./stores/opened.ts";
import { needRestic, type Restic, restics } from "./stores/restics.ts";
import type { StoreServer } from "./stores/store-server.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const rounds = soak ? 50 : 10;
/** After so long without a word from restic, and after so long at all, an operation is to end. Milliseconds. */
const [idleTimeout, deadline] = [5_000, 40_000];

const blows = ["kill the server", "cut the network", "let the network fall silent"] as const;
const writes = ["save files", "save a stream", "copy", "prune"] as const;
const reads = ["restore", "list", "check", "write a file out"] as const;
const operations = [...writes, ...reads] as const;
type Operation = (typeof operations)[number];
const isRead = (one: Operation): boolean => reads.some((read) => read === one);
const largeSize = 6_000_000;
const quiet = () => undefined;
const { signal } = new AbortController();

/** A repository that lives through all rounds of its kind and restic. */
interface Stage {
  readonly server: StoreServer;
  readonly store: Store;
  /** The same, for what is not struck: a busy machine is slow and does not hang. */
  readonly patient: Store;
  /** Whence is copied. */
  readonly other: Store;
  readonly tree: string;
  /** How long an undisturbed run takes. Milliseconds. */
  readonly takes: number;
  /** What is to be there for ever. */
  readonly saved: Set<string>;
  made: number;
  /** The round that it is in: whoever is next waits for its end. */
  turn: Promise<unknown>;
}

let place = "";
let brokenOff = 0;
let unread = 0;
let mended = 0;
let elsewhere: StoreServer;
const stages = new Map<string, Promise<Stage>>();

beforeAll(async () => {
  console.log(`chaos of repositories: SEED=${seed}, ${rounds} rounds${soak ? "" : " (SOAK=1 for 50)"}`);
  place = await mkdtemp(path.join(tmpdir(), "ec2-backup-chaos-"));
  elsewhere = await local.start();
});

afterAll(async () => {
  for (const stage of stages.values())
    await (await stage.catch(() => undefined))?.server[Symbol.asyncDispose]();
  console.log(`${brokenOff} of what was done was broken off, the rest went on when the server was back`);
  console.log(`${unread} of what was broken off was reading`);
  console.log(`${mended} times a server had left half a file, which was cleared`);
  await elsewhere[Symbol.asyncDispose]();
  await rm(place, { recursive: true, force: true });
});

/** Each way and each restic in turn; what is hit, how and when are the chance's. */
function roundOf(number: number) {
  const chance = chanceOf(seed + number);
  const pairs = [sftp, s3, rest].flatMap((kind) => restics().map((restic) => ({ kind, restic })));
  const order = shuffled(pairs, chanceOf(seed));
  const { kind, restic } = order[number % order.length] ?? expect.fail("there is no pair");
  const of = <T>(all: readonly T[]): T =>
    all[Math.floor(chance() * all.length)] ?? expect.fail("nothing to choose");
  // Much of what is done is saving.
  const operation = chance() < 0.4 ? "save files" : of(operations);
  return { number, kind, restic, operation, blow: of(blows), when: chance(), away: chance() } as const;
}

type Round = ReturnType<typeof roundOf>;

const all = Array.from({ length: rounds }, (_, number) => roundOf(number)).map((round) => ({
  ...round,
  title: `SEED=${seed} round ${round.number}: ${round.blow} at ${(round.when * 100).toFixed(0)} % of "${round.operation}", ${round.kind.name}, ${round.restic.name} restic`,
}));

/** Something new to save. */
function change({ tree, made }: Stage): void {
  writeFileSync(path.join(tree, "large"), randomBytes(largeSize));
  mkdirSync(path.join(tree, String(made)), { recursive: true });
  for (let each = 0; each < 20; each += 1)
    writeFileSync(path.join(tree, String(made), `${each}`), randomBytes(1 + each * 997));
}

async function stageOf(kind: StoreKind, restic: Restic, program: string): Promise<Stage> {
  const name = `${kind.name}-${restic.version}`.toLowerCase().replaceAll(/[^a-z0-9]/g, "-");
  const at = (part: string) => path.join(place, `${name}-${part}`);
  for (const part of ["tree", "state"]) mkdirSync(at(part), { mode: 0o700 });
  const server = await kind.start();
  const open = async (one: StoreServer, called: string, bounds: object) => {
    const served = one.repository(called);
    return opened(await configured(served, called, at("conf"), { program, ...bounds }), at("state"), signal);
  };
  const stage = {
    server,
    store: await open(server, name, { idleTimeout, deadline }),
    patient: await open(server, name, {}),
    other: await open(elsewhere, `of-${name}`, {}),
    tree: at("tree"),
  };
  await ready(server, stage.patient.config);
  await ready(elsewhere, stage.other.config);
  const counted: Stage = { ...stage, saved: new Set(), takes: 0, made: 0, turn: Promise.resolve() };
  change(counted);
  const began = performance.now();
  counted.saved.add(await save(counted, stage.patient));
  return { ...counted, takes: performance.now() - began, made: 1 };
}

const orderOf = (stage: Stage) => ({
  tags: [`ec2-backup:point=${stage.made}`],
  host: "chaos",
  time: new Date(),
});

async function save(stage: Stage, store: Store): Promise<string> {
  const order = { paths: [stage.tree], exclude: [], oneFileSystem: false, excludeCaches: false };
  return (await store.saveFiles({ ...orderOf(stage), ...order }, quiet, signal)).id;
}

/** One operation to be hit. */
async function operate(stage: Stage, operation: Operation): Promise<void> {
  const { store, other } = stage;
  if (isRead(operation)) return read(stage, store, operation);
  if (operation === "save files") await save(stage, store);
  else if (operation === "save a stream") {
    const start = (output: number) => {
      const child = spawn("head", ["-c", "8000000", "/dev/urandom"], { stdio: ["ignore", output, "ignore"] });
      const done = once(child, "exit").then(([code]) => {
        if (code !== 0) throw new Error(`head ended with ${code}`);
      });
      return { done };
    };
    await store.saveStream(orderOf(stage), { file: "random", start }, quiet, signal);
  } else if (operation === "copy") await store.copyFrom(other, [await save(stage, other)], quiet, signal);
  else {
    const [oldest] = [...(await store.snapshots([], signal))].sort((a, b) => +a.time - +b.time);
    if (oldest !== undefined) stage.saved.delete(oldest.id);
    await store.forget(oldest === undefined ? [] : [oldest.id], signal);
    await store.prune(quiet, signal);
  }
}

/** Reads what was saved last; what it brings must be whole, and changes nothing. */
async function read({ saved, tree }: Stage, store: Store, operation: Operation): Promise<void> {
  const snapshot = [...saved].at(-1) ?? expect.fail("nothing is saved");
  const large = path.join(tree, "large");
  const target = await mkdtemp(path.join(place, "read-"));
  if (operation === "restore") {
    const { problems } = await store.restore({ snapshot, include: [], target }, quiet, signal);
    // What could not be restored was told, file by file.
    for (const one of problems) throw one;
    expect(statSync(path.join(target, large)).size).toBe(largeSize);
  } else if (operation === "list") {
    const sizes: (number | undefined)[] = [];
    for await (const one of store.list(snapshot, { path: tree, recursive: false }, signal))
      if (one.path === large) sizes.push(one.size);
    expect(sizes).toEqual([largeSize]);
  } else if (operation === "check")
    expect(await store.check({ part: 1, of: 1 }, quiet, signal)).toEqual({
      sound: true,
      errors: [],
      read: "1/1",
    });
  else {
    const output = openSync(path.join(target, "out"), "w");
    await store.dump(snapshot, large, output, signal).finally(() => closeSync(output));
    expect(statSync(path.join(target, "out")).size).toBe(largeSize);
  }
  rmSync(target, { recursive: true });
}

const strike = {
  "kill the server": (server: StoreServer) => server.crash(),
  "cut the network": (server: StoreServer) => server.cut(),
  "let the network fall silent": (server: StoreServer) => server.silence(),
} as const;

async function back(server: StoreServer, blow: (typeof blows)[number]): Promise<void> {
  if (blow === "kill the server") await server.start();
  else server.mend();
}

/**
 * After rclone was killed, which writes its files in place: by the check of an upkeep, which mends an index that was
 * half-written and removes what a save of this host has left.
 */
async function mendedSound(store: Store): Promise<void> {
  const deps = { store, clock: systemClock, log: quiet, tell: quiet, state: undefined, copies: false };
  const order = { structureOnly: true, removeEmpty: false, planned: false, gap: 1 };
  const { outcome, check, problems = [] } = await checkRepository(deps, order, signal);
  expect([outcome, check, problems.map(({ severity, code }) => `${severity} ${code}`)]).toEqual([
    "done",
    { sound: true, errors: [] },
    problems.length === 0 ? [] : ["warning Mended"],
  ]);
  if (problems.length > 0) mended += 1;
}

/** One round, when the one before of the same stage is over. */
async function played(stage: Stage, { kind, operation, blow, when, away }: Round): Promise<void> {
  const { server, patient } = stage;
  change(stage);

  const began = performance.now();
  const outcome = operate(stage, operation).then(
    () => undefined,
    (error: unknown) => error,
  );
  // Most reading takes no half as long as saving.
  await pause(when * stage.takes * (isRead(operation) ? 0.5 : 1));
  await strike[blow](server);
  // It is back soon, or only when the operation has given up.
  if (away < 0.5) await pause(away * 3_000);
  else await outcome;
  await back(server, blow);
  const error = await outcome;
  expect(performance.now() - began).toBeLessThan(deadline + 30_000);
  // What failed says so in words of its own.
  if (error !== undefined) expect(error).toBeInstanceOf(BackupError);
  if (error !== undefined) brokenOff += 1;
  if (isRead(operation)) {
    if (error instanceof BackupError) expect(error.kind, error.message).not.toBe("unexpected");
    if (error !== undefined) unread += 1;
    // The next one works.
    await read(stage, patient, operation);
  }

  // Sound, and the next run completes, past the lock of what was cut off.
  if (kind === rest && blow === "kill the server") await mendedSound(patient);
  else expect(await patient.check(undefined, quiet, signal)).toMatchObject({ sound: true, errors: [] });
  const known = (await patient.snapshots([], signal)).map((one) => one.id);
  for (const one of stage.saved) expect(known).toContain(one);
  const id = await save(stage, patient);
  expect((await patient.snapshots([], signal)).map((one) => one.id)).toContain(id);
  expect(await patient.locks(signal)).toEqual([]);
  stage.saved.add(id);
  stage.made += 1;
}

describe("a repository whose server dies or is cut off at any moment", () => {
  // They wait for most of their time, and each stage is its own.
  test.concurrent.for(all)("$title", { timeout: 600_000 }, async (round, context) => {
    const { kind, restic } = round;
    const program = needRestic(context, restic);
    need(context, kind.can, kind.needs);
    const name = `${kind.name} ${restic.name}`;
    if (!stages.has(name)) stages.set(name, stageOf(kind, restic, program));
    const stage = (await stages.get(name)) ?? expect.fail();
    const mine = stage.turn.then(() => played(stage, round));
    stage.turn = mine.catch(() => undefined);
    await mine;
  });

  test("every byte of it can still be read, and its first and last point be restored", async () => {
    const whole = async ({ patient: store }: Stage): Promise<void> => {
      expect(await store.check({ part: 1, of: 1 }, quiet, signal)).toMatchObject({ sound: true, errors: [] });
      const points = [...(await store.snapshots([], signal))].sort((a, b) => +a.time - +b.time);
      for (const { id } of [...points.slice(0, 1), ...points.slice(-1)]) {
        const target = await mkdtemp(path.join(place, "back-"));
        expect(await store.restore({ snapshot: id, include: [], target }, quiet, signal)).toMatchObject({
          problems: [],
        });
        rmSync(target, { recursive: true });
      }
    };
    await Promise.all([...stages.values()].map(async (stage) => whole(await stage)));
  }, 600_000);
});
