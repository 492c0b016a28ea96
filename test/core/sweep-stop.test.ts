import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { InstanceState } from "../../src/core/sweep-ports.ts";
import {
  consistencyOfStop,
  intentOf,
  noStopBefore,
  readIntents,
  type SeenInstance,
  type StopIntent,
  stopPrefix,
  stopStep,
  whyNotNow,
  whyNotStopped,
} from "../../src/core/sweep-stop.ts";

const id = "i-0123456789abcdef0";
const second = 1_000;
const settle = 5 * second;
const patience = 20 * 60 * second;
const start = Date.parse("2027-03-10T02:00:00Z");

/** One instance, as EC2 has it, and who is about it. */
class Model {
  now = start;
  state: InstanceState = "running";
  tags: Record<string, string> = { Backup_Stop: "yes" };
  stoppedAt: number | undefined;
  /** Somebody has stopped it on purpose when no sweep was about it, and nobody of them has started it since. */
  offOnPurpose = false;
  /** The same while a sweep was about it: whether it is started then nobody can say. */
  unclear = false;
  readonly sweeps: Sweep[];

  constructor(count: number) {
    this.sweeps = Array.from({ length: count }, (_, index) => new Sweep(`run-${index}`));
  }

  get seen(): SeenInstance {
    return {
      id,
      state: this.state,
      tags: { ...this.tags },
      type: "m7i.large",
      rootStore: false,
      hibernates: false,
      // EC2 tells full seconds.
      asOf: new Date(Math.floor(this.now / second) * second),
      ...(this.stoppedAt === undefined ? {} : { stoppedAt: new Date(this.stoppedAt) }),
    };
  }

  operator(wish: "stop" | "start"): void {
    if (wish === "stop" && this.state === "running") {
      this.stop();
      // A tag that is on its way for longer than half the wait may come after it.
      const late = this.sweeps.some(({ phase, since }) => phase === "mark" && this.now - since > second);
      this.unclear = true;
      this.offOnPurpose = !late && readIntents(this.seen).length === 0;
    }
    if (wish === "start" && this.state === "stopped") {
      this.start();
      this.offOnPurpose = false;
    }
  }

  stop(): void {
    if (this.state !== "running") return;
    this.state = "stopped";
    this.stoppedAt = Math.floor(this.now / second) * second;
  }

  start(): void {
    this.state = "running";
    this.unclear = false;
    this.stoppedAt = undefined;
  }

  unmark(own: readonly StopIntent[]): void {
    for (const { key, value } of own) if (this.tags[key] === value) delete this.tags[key];
  }

  /** What a later sweep does with what others have left. @returns whether it started the instance. */
  resume(): boolean {
    const step = stopStep(this.seen);
    const intents = readIntents(this.seen);
    if (step === "start") this.start();
    if (step === "start" || step === "clear") this.unmark(intents);
    return step === "start";
  }
}

/** A sweep that may die between any two of its requests. */
class Sweep {
  readonly run: string;
  dead = false;
  phase: "look" | "mark" | "judge" | "stop" | "start" | "unmark" | "over" = "look";
  since = 0;
  own: StopIntent | undefined;
  markedAt = 0;
  /** Whether it has had the instance stopped. */
  stopped = false;
  constructor(run: string) {
    this.run = run;
  }

  step(model: Model): void {
    if (this.dead) return;
    const { own } = this;
    if (this.phase === "look") {
      const { seen } = model;
      const may = whyNotStopped(seen, { self: undefined, stores: false }) === undefined;
      this.since = model.now;
      const end = new Date(seen.asOf.getTime() + patience);
      this.own = intentOf(this.run, id, noStopBefore(seen.asOf, settle), end);
      this.phase = may && readIntents(seen).length === 0 ? "mark" : "over";
    } else if (this.phase === "mark" && own !== undefined) {
      model.tags[own.key] = own.value;
      this.markedAt = model.now;
      this.phase = "judge";
    } else if (this.phase === "judge" && own !== undefined && model.now - this.markedAt >= settle) {
      const prompt = this.markedAt - this.since <= settle / 2;
      if (whyNotNow(model.seen, own, prompt) === undefined) this.phase = "stop";
      else {
        model.unmark([own]);
        this.phase = "over";
      }
    } else if (this.phase === "stop" && own !== undefined) {
      // EC2 tells who had stopped it before.
      if (model.state !== "running") {
        model.unmark([own]);
        this.phase = "over";
      } else {
        model.stop();
        this.stopped = true;
        this.phase = "start";
      }
    } else if (this.phase === "start") {
      model.start();
      this.phase = "unmark";
    } else if (this.phase === "unmark" && own !== undefined) {
      model.unmark([own]);
      this.phase = "over";
    }
  }
}

const act = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("step" as const), who: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(3 * second) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("resume" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("stop" as const, "start" as const) }) },
);

function play(model: Model, acts: readonly (typeof act extends fc.Arbitrary<infer A> ? A : never)[]): void {
  for (const one of acts) {
    if (one.do === "step") model.sweeps[one.who]?.step(model);
    else if (one.do === "wait") model.now += one.ms;
    else if (one.do === "kill") Object.assign(model.sweeps[one.who] ?? {}, { dead: true });
    else if (one.do === "resume") {
      const off = model.offOnPurpose;
      expect(model.resume() && off, "what somebody stopped on purpose is not started").toBe(false);
    } else model.operator(one.do);
  }
}

const acts = fc.array(act, { minLength: 10, maxLength: 120 });
const runs = { numRuns: 3_000 };

describe("whatever becomes of sweeps that stop an instance", () => {
  test("a later sweep starts it again, takes the tags off, and never starts what somebody has stopped", () => {
    let left = 0;
    fc.assert(
      fc.property(acts, (all) => {
        const model = new Model(3);
        play(model, all);
        for (const sweep of model.sweeps) sweep.dead = true;
        if (model.state === "stopped" && !model.unclear) left += 1;
        model.now += patience + 60 * second;
        const off = model.offOnPurpose;
        model.resume();
        expect(Object.keys(model.tags).filter((key) => key.startsWith(stopPrefix))).toEqual([]);
        if (off || !model.unclear) expect(model.state).toBe(off ? "stopped" : "running");
        expect(model.resume(), "then there is nothing left to be done").toBe(false);
      }),
      runs,
    );
    expect(left, "some of them left it off").toBeGreaterThan(20);
  });

  test("of sweeps that are about it at the same time one at most stops it", () => {
    let stops = 0;
    fc.assert(
      fc.property(fc.array(act, { minLength: 10, maxLength: 80 }), (all) => {
        const model = new Model(3);
        const quiet = all.filter((one) => one.do === "step" || one.do === "wait");
        for (const one of quiet) {
          play(model, [one]);
          const holding = model.sweeps.filter(({ phase }) => phase === "stop" || phase === "start");
          expect(holding.length).toBeLessThanOrEqual(1);
        }
        if (model.sweeps.some(({ stopped }) => stopped)) stops += 1;
      }),
      runs,
    );
    expect(stops).toBeGreaterThan(100);
  });

  test("while it is off for a backup, a tag says so", () => {
    fc.assert(
      fc.property(acts, (all) => {
        const model = new Model(3);
        for (const one of all) {
          play(model, [one]);
          const byUs = model.sweeps.some(({ phase }) => phase === "start");
          if (byUs && model.state === "stopped" && !model.unclear) expect(stopStep(model.seen)).toBe("leave");
        }
      }),
      runs,
    );
  });
});

describe("the tag of a stop", () => {
  const since = new Date(start);
  const until = new Date(start + patience);
  const intent = intentOf("run-1", id, since, until);
  const at = (ms: number) => new Date(start + ms);
  const bearing = (change: Partial<SeenInstance> = {}) => ({
    ...new Model(0).seen,
    tags: { [intent.key]: intent.value },
    state: "stopped" as const,
    asOf: at(patience + second),
    ...change,
  });

  test("comes back as it was, and fits EC2", () => {
    expect(readIntents(bearing())).toEqual([intent]);
    expect(intent.key.length).toBeLessThanOrEqual(127);
    expect(intent.value).toMatch(/^[\w .:/=+\-@]{1,256}$/);
  });

  test.each([
    [
      "of another instance, as a launch of another like it copies it",
      intent.value.replace(id, "i-0fffffffffffffff0"),
    ],
    ["that ends before it begins", `${until.toISOString()} ${since.toISOString()} ${id}`],
    ["that holds for years", `${since.toISOString()} 2037-01-01T00:00:00.000Z ${id}`],
    ["that is a word", "yes"],
    ["that is empty", ""],
  ])("%s starts nothing", (_, value) => {
    expect(stopStep(bearing({ tags: { [intent.key]: value } }))).toBe("none");
  });

  test.each<[InstanceState, ReturnType<typeof stopStep>]>([
    ["running", "clear"],
    ["stopped", "start"],
    ["stopping", "wait"],
    ["pending", "wait"],
    ["terminated", "none"],
    ["shutting-down", "none"],
    ["unknown", "none"],
  ])("on an instance that is %s means: %s", (state, step) => {
    expect(stopStep(bearing({ state }))).toBe(step);
    expect(stopStep(bearing({ state, asOf: at(second) })), "while its sweep may be at work").toBe("leave");
  });

  test("says nothing of a stop of another time", () => {
    expect(stopStep(bearing({ stoppedAt: at(30 * second) }))).toBe("start");
    expect(stopStep(bearing({ stoppedAt: at(-10 * 60 * second) }))).toBe("clear");
    expect(stopStep(bearing({ stoppedAt: at(patience + 5 * 60 * second) }))).toBe("clear");
  });
});

test("what took long to stop may have been cut off, and counts for no more than that", () => {
  expect([0, 119, 120, 121, 600].map((seconds) => consistencyOfStop(seconds * second))).toEqual([
    "filesystem",
    "filesystem",
    "filesystem",
    "crash",
    "crash",
  ]);
});

test("a sweep never stops the instance that it runs on", () => {
  const { seen } = new Model(0);
  expect(whyNotStopped(seen, { self: id, stores: false })).toMatch(/runs on it/);
  expect(whyNotStopped(seen, { self: "i-0fffffffffffffff0", stores: false })).toBeUndefined();
});
