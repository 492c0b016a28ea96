import { describe, expect, test } from "vitest";
import { type MakeImageDeps, makeImage } from "../../src/actions/make-image.ts";
import { recorder } from "../../src/actions/steps.ts";
import { BackupError, type ErrorKind } from "../../src/core/errors.ts";
import { imageNameOf } from "../../src/core/image-due.ts";
import type { FoundImage } from "../../src/core/image-ports.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { Clock } from "../../src/core/ports.ts";
import { at, instance, job } from "../core/points.ts";

const period = "monthly 2027-01";
const owner = { instanceId: instance.id, instanceArn: instance.arn, job: "default" };
const name = (nth: number) => imageNameOf(owner, period, nth);
const waits = {
  ...job().waits,
  retryFor: 60_000,
  retryEvery: 1_000,
  reconcileFor: 30_000,
  reconcileEvery: 1_000,
};
const scope = { excludeRoot: false, excludeDataVolumeIds: [], expected: [], unwanted: [] };
const order = { job: job(), instance, scope, runId: "run" };
const wanted = { owner, order: { order, pointId: "own", period, without: [] }, waits };

const failure = (code: string, kind: ErrorKind = "refused") =>
  new BackupError({ kind, doing: "make an image", found: `AWS answered ${code}`, code });
const taken = () => failure("InvalidAMIName.Duplicate");

const image = (change: Partial<FoundImage> = {}): FoundImage => ({
  id: "ami-1",
  name: name(1),
  state: "pending",
  created: at("2027-01-10T02:00"),
  source: instance.id,
  public: false,
  snapshots: [],
  tags: {
    [tagKeys.point]: "earlier",
    [tagKeys.series]: `${instance.arn}/default`,
    [tagKeys.instance]: instance.arn,
    [tagKeys.image]: period,
  },
  ...change,
});

type Answer = string | Error | readonly FoundImage[];

/** EC2 as far as it is asked: its answers in turn, the last one for ever, and what it was asked. */
function service(made: readonly (string | Error)[], seen: readonly (readonly FoundImage[] | Error)[] = [[]]) {
  const asked: string[] = [];
  const points = new Set<string>();
  const next = <T extends Answer>(answers: readonly T[], count: number): Exclude<T, Error> => {
    const answer = answers[Math.min(count, answers.length - 1)] as T;
    if (answer instanceof Error) throw answer;
    return answer as Exclude<T, Error>;
  };
  let [makes, looks, elapsed] = [0, 0, 0];
  const clock: Clock = {
    now: () => at("2027-01-10T02:00"),
    elapsed: () => elapsed,
    sleep: (ms) => {
      elapsed += ms;
      return Promise.resolve();
    },
    random: () => 0,
  };
  const record = recorder(clock, () => undefined, { run: "run", job: "default" });
  const engine: MakeImageDeps["engine"] = {
    make: async ({ name: called, pointId }) => {
      asked.push(`make ${called}`);
      points.add(pointId);
      return next(made, makes++);
    },
    named: async (called) => {
      asked.push(`look ${called}`);
      return next(seen, looks++);
    },
  };
  const stop = new AbortController();
  const deps = { engine, clock, log: () => undefined, record };
  return {
    asked,
    points,
    record,
    stop,
    elapsed: () => elapsed,
    made: () => makeImage(wanted, deps, stop.signal),
  };
}

const own = { image: "ami-1", point: "own" };
const earlier = { image: "ami-1", point: "earlier" };

describe("the image of a period is made once", () => {
  test("by one request where nothing goes wrong", async () => {
    const ec2 = service(["ami-1"]);
    expect(await ec2.made()).toEqual(own);
    expect(ec2.asked).toEqual([`make ${name(1)}`]);
  });

  test("by the very same request again where EC2 turned it away or its answer was lost", async () => {
    for (const error of [
      failure("RequestLimitExceeded", "throttled"),
      failure("TimeoutError", "unknown-outcome"),
    ]) {
      const ec2 = service([error, error, "ami-1"]);
      expect(await ec2.made()).toEqual(own);
      expect(ec2.asked).toEqual(Array<string>(3).fill(`make ${name(1)}`));
      expect(ec2.points.size, "of one point").toBe(1);
    }
  });

  test("and is taken for what it is where the lost request had made it", async () => {
    const mine = image({ tags: { ...image().tags, [tagKeys.point]: "own" } });
    const ec2 = service([failure("ECONNRESET", "unknown-outcome"), taken()], [[mine]]);
    expect(await ec2.made()).toEqual(own);
    expect(new Set(ec2.asked)).toEqual(new Set([`make ${name(1)}`, `look ${name(1)}`]));
  });

  test("or where an earlier run has made it, once EC2 shows it and its tags", async () => {
    const hidden = failure("ServiceUnavailable", "unreachable");
    const ec2 = service([taken()], [[], hidden, [image({ tags: {} })], [image()]]);
    expect(await ec2.made()).toEqual(earlier);
    expect(ec2.asked.filter((one) => one.startsWith("make"))).toEqual([`make ${name(1)}`]);
  });

  test("but not while what has the name is not seen", async () => {
    const ec2 = service([taken()], [[]]);
    await expect(ec2.made()).rejects.toMatchObject({ code: "UnknownOutcome", remedy: expect.any(String) });
    expect(ec2.asked.filter((one) => one.startsWith("make"))).toEqual([`make ${name(1)}`]);
    expect(ec2.elapsed()).toBeGreaterThan(waits.reconcileFor / 2);
  });

  test.each<[string, FoundImage, boolean]>([
    ["failed", image({ state: "failed" }), false],
    ["is somebody else's", image({ source: "i-0fa00000000000009" }), true],
    ["has lost its tags for good", image({ tags: {} }), true],
    ["is of another period", image({ tags: { ...image().tags, [tagKeys.image]: "monthly 2026-12" } }), true],
  ])("under another name where what has the first one %s", async (_what, holder, told) => {
    const ec2 = service([taken(), "ami-2"], [[holder]]);
    expect(await ec2.made()).toEqual({ image: "ami-2", point: "own" });
    expect(ec2.asked.filter((one) => one.startsWith("make"))).toEqual([`make ${name(1)}`, `make ${name(2)}`]);
    expect(ec2.record.problems.map(({ code }) => code)).toEqual(told ? ["NameTaken"] : []);
  });
});

describe("what cannot be made is told with what to do", () => {
  test("at once where EC2 refuses or forbids it", async () => {
    for (const [error, remedy] of [
      [failure("UnauthorizedOperation", "denied"), "policies/image.json"],
      [failure("InvalidParameterValue"), "the next run"],
    ] as const) {
      const ec2 = service([error]);
      await expect(ec2.made()).rejects.toMatchObject({
        code: error.code,
        remedy: expect.stringContaining(remedy),
      });
      expect(ec2.asked).toHaveLength(1);
    }
    const blind = service([taken()], [failure("UnauthorizedOperation", "denied")]);
    await expect(blind.made()).rejects.toMatchObject({ kind: "denied" });
    expect(blind.asked).toHaveLength(2);
  });

  test("after the time for tries, and where no name is left", async () => {
    const busy = service([failure("SnapshotCreationPerVolumeRateExceeded", "throttled")]);
    await expect(busy.made()).rejects.toMatchObject({ kind: "throttled" });
    expect(busy.elapsed()).toBeLessThanOrEqual(waits.retryFor);
    const broken = service([taken()], [[image({ state: "failed" })]]);
    await expect(broken.made()).rejects.toMatchObject({ found: expect.stringContaining("names") });
  });

  test("and a run that is told to stop stops", async () => {
    const ec2 = service([failure("RequestLimitExceeded", "throttled")]);
    ec2.stop.abort();
    await expect(ec2.made()).rejects.toMatchObject({ kind: "interrupted" });
    expect(ec2.asked).toEqual([]);
    const looking = service([taken()]);
    const ended = looking.made();
    looking.stop.abort();
    await expect(ended).rejects.toMatchObject({ kind: "interrupted" });
  });
});
