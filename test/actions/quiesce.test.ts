import { describe, expect, test } from "vitest";
import { type QuiesceTools, quiesced } from "../../src/actions/quiesce.ts";
import { type Script, scripted } from "./scripted-hooks.ts";

const facts = { job: "default", run: "run-1", trigger: "manual", instanceId: "i-1", volumes: ["vol-1"] };

interface World {
  readonly trace: string[];
  elapsed: number;
  readonly stop: AbortController;
}

function world(): World {
  return { trace: [], elapsed: 0, stop: new AbortController() };
}

function hold(
  { trace, stop, ...rest }: World,
  scripts: readonly Script[],
  wish: Partial<QuiesceTools> & { body?: Parameters<typeof quiesced<string>>[3] } = {},
) {
  const { body = () => Promise.resolve("point"), ...tools } = wish;
  const note = (what: string) => async () => void trace.push(what);
  const clock = {
    now: () => new Date(0),
    elapsed: () => rest.elapsed,
    sleep: () => Promise.resolve(),
    random: () => 0,
  };
  return quiesced(
    scripts.map((script) => scripted(script, trace)),
    {
      clock,
      facts,
      rehearse: note("rehearse"),
      lookAgain: note("look again"),
      lookBack: note("look back"),
      warm: note("warm"),
      sync: note("sync"),
      enough: () => undefined,
      ...tools,
    },
    stop.signal,
    (within, done) => {
      trace.push(`body within ${within}`);
      return body(within, done);
    },
  );
}

const dump = { name: "dump" } as const;
const lock = { name: "lock", kind: "database" } as const;
const freeze = { name: "freeze", kind: "freeze", frozen: { mounts: ["/data"], ms: 80 } } as const;

describe("holding still", () => {
  test("prepares and rehearses before it holds, holds in order and releases in reverse", async () => {
    const here = world();
    const quiet = await hold(here, [dump, lock, freeze]);
    expect(quiet).toMatchObject({ value: "point", problems: [] });
    expect(quiet.records.map(({ outcome }) => outcome)).toEqual(["held", "held", "held"]);
    expect(here.trace).toEqual([
      "dump: prepare",
      "lock: prepare",
      "freeze: prepare",
      "rehearse",
      "dump: hold",
      // The program may have run for hours.
      "lock: close",
      "lock: prepare",
      "freeze: close",
      "freeze: prepare",
      "look again",
      "warm",
      "lock: hold",
      "sync",
      "freeze: hold",
      "body within undefined",
      "freeze: release after a capture",
      "lock: release after a capture",
      // Before the program goes on, which may mount again what it had unmounted.
      "look back",
      "dump: release after a capture",
      "freeze: close",
      "lock: close",
      "dump: close",
    ]);
  });

  test("thaws as soon as the body says that it may, and once", async () => {
    const here = world();
    const quiet = await hold(here, [lock, freeze], {
      body: async (_, done) => {
        done();
        here.trace.push("reads the answer");
        await Promise.resolve();
        throw new Error("unreadable");
      },
    });
    expect(quiet.error).toMatchObject({ message: "unreadable" });
    expect(here.trace.slice(here.trace.indexOf("freeze: hold") + 1)).toEqual([
      "body within undefined",
      "freeze: release after a capture",
      "reads the answer",
      "lock: release without a capture",
      "freeze: close",
      "lock: close",
    ]);
  });

  test("does not thaw early what was held before something else", async () => {
    const here = world();
    await hold(here, [freeze, lock], {
      body: (_, done) => {
        done();
        here.trace.push("reads the answer");
        return Promise.resolve("point");
      },
    });
    expect(here.trace.slice(here.trace.indexOf("reads the answer") + 1, -2)).toEqual([
      "lock: release after a capture",
      "freeze: release after a capture",
      "look back",
    ]);
  });

  test("with one held and a second that fails skips the body and releases the one", async () => {
    const here = world();
    const quiet = await hold(here, [lock, { ...freeze, fails: "hold" }]);
    expect(quiet.value).toBeUndefined();
    expect(quiet.error).toMatchObject({ kind: "refused", doing: "hold freeze" });
    expect(quiet.records.map(({ outcome }) => outcome)).toEqual(["held", "failed"]);
    expect(here.trace.slice(-3)).toEqual(["lock: release without a capture", "freeze: close", "lock: close"]);
    expect(here.trace.join()).not.toMatch("body");
  });

  test("goes on without a hook that may fail, and says so", async () => {
    for (const fails of ["prepare", "hold"] as const) {
      const here = world();
      const quiet = await hold(here, [lock, { ...freeze, fails, onFailure: "continue" }]);
      expect(quiet).toMatchObject({ value: "point", problems: [{ doing: `${fails} freeze` }] });
      expect(quiet.records.map(({ outcome }) => outcome)).toEqual(["held", "failed"]);
      expect(here.trace).toContain("lock: release after a capture");
    }
  });

  test("holds nothing when one cannot be prepared and must not fail, or the rehearsal is refused", async () => {
    const here = world();
    await hold(here, [lock, { ...freeze, fails: "prepare" }]);
    expect(here.trace).toEqual(["lock: prepare", "freeze: prepare", "lock: close"]);
    const there = world();
    const denied = new Error("denied");
    const quiet = await hold(there, [lock, freeze], { rehearse: () => Promise.reject(denied) });
    expect(quiet.error).toBe(denied);
    expect(there.trace.join()).not.toMatch(/hold|body/);
    expect(there.trace.slice(-2)).toEqual(["freeze: close", "lock: close"]);
  });

  test("releases whatever the body does, and tells the hooks that there is no point", async () => {
    const here = world();
    const quiet = await hold(here, [lock, freeze], { body: () => Promise.reject(new Error("throttled")) });
    expect(quiet.error).toMatchObject({ message: "throttled" });
    expect(here.trace).toContain("freeze: release without a capture");
    expect(here.trace.indexOf("freeze: release without a capture")).toBeLessThan(
      here.trace.indexOf("lock: release without a capture"),
    );
  });

  test("knows a holding that was lost on the way", async () => {
    const here = world();
    const lost = { kind: "unreachable", doing: "hold lock", found: "the connection was lost" } as const;
    const quiet = await hold(here, [{ ...lock, held: false, problems: [lost] }, freeze]);
    expect(quiet.records.map(({ outcome }) => outcome)).toEqual(["lost", "held"]);
    expect(quiet.problems).toEqual([lost]);
  });

  test("gives the body what is left of the shortest deadline, less what a release needs", async () => {
    const here = world();
    let now = 0;
    const clock = {
      now: () => new Date(0),
      elapsed: () => now,
      sleep: () => Promise.resolve(),
      random: () => 0,
    };
    const at = (moment: string) => {
      if (moment === "hold") now += 1_000;
    };
    await hold(
      here,
      [
        { ...lock, deadline: 30_000, at },
        { ...freeze, deadline: 10_000, at },
      ],
      { clock },
    );
    expect(here.trace).toContain("body within 8000");
  });

  test("that is told to stop holds no further and makes nothing", async () => {
    const here = world();
    const stopping = { ...lock, at: (moment: string) => moment === "hold" && here.stop.abort() };
    const quiet = await hold(here, [stopping as Script, freeze]);
    expect(quiet.error).toMatchObject({ kind: "interrupted" });
    expect(here.trace).toContain("lock: release without a capture");
    expect(here.trace.join()).not.toMatch(/freeze: hold|body/);
  });

  /** Throws where something has failed, as for a job that makes no lesser point. */
  const nothingFailed: QuiesceTools["enough"] = (records) => {
    if (records.some(({ outcome }) => outcome === "failed")) throw new Error("too little");
  };

  test("that is not enough releases all and makes nothing", async () => {
    const here = world();
    const quiet = await hold(here, [lock], {
      enough: nothingFailed,
      sync: () => Promise.reject(new Error("no space")),
    });
    expect(quiet.error).toMatchObject({ message: "too little" });
    expect(here.trace.slice(-2)).toEqual(["lock: release without a capture", "lock: close"]);
  });

  test("that could not be enough any more freezes nothing", async () => {
    const here = world();
    const quiet = await hold(here, [{ ...lock, fails: "hold", onFailure: "continue" }, freeze], {
      enough: nothingFailed,
    });
    expect(quiet.error).toMatchObject({ message: "too little" });
    expect(quiet.records.map(({ outcome }) => outcome)).toEqual(["failed", "not-tried"]);
    expect(here.trace.join()).not.toMatch(/sync|freeze: hold|body/);
  });
});
