import { expect, test } from "vitest";
import { sweepCopy } from "../../src/actions/sweep-copy.ts";
import type { CopyDestination, SweepCopyDeps } from "../../src/actions/sweep-copy-deps.ts";
import { copyTagOf } from "../../src/core/copy-target.ts";
import { BackupError, type ErrorKind } from "../../src/core/errors.ts";
import { pointsOf } from "../../src/core/point-tags.ts";
import { pointHere, snapId } from "../core/copy-world.ts";
import { at, day, earlier, policy } from "../core/points.ts";

const now = at("2027-06-16T09:41");
const keeping = policy({ daily: 7 });
const regions = ["eu-west-1", "us-east-1"];
const tags = copyTagOf(regions.map((region) => ({ region })));
const here = pointHere(1, earlier(now, day), keeping, { tags });

/** Regions that take copies, and what comes of thinning there. */
function deps(thin: () => Promise<never>): SweepCopyDeps {
  const there = async () => ({ snapshots: [], asOf: now });
  const destination: CopyDestination = {
    region: {
      list: there,
      running: async () => 0,
      keyTrouble: async () => undefined,
      copy: async () => snapId(4711),
    } as unknown as CopyDestination["region"],
    copies: there,
    remove: () => Promise.reject(new Error("nothing is to be removed")),
    thin,
  };
  return {
    unit: { id: "u", account: "123456789012", region: "eu-central-1" },
    ec2: { points: async () => ({ snapshots: here.snapshots, asOf: now }), instances: async () => [] },
    source: { list: async () => ({ points: pointsOf(here.snapshots, now), asOf: now }) },
    destination: async () => destination,
    regionsOf: () => [],
    jobOf: () => ({
      name: "default",
      retention: keeping,
      waits: { retryEvery: 0, retryFor: 0, reconcileFor: 0 },
    }),
    rules: { targets: [], after: 0 },
    clock: { now: () => now, elapsed: () => 0, sleep: async () => undefined, random: () => 0 },
    log: () => undefined,
    audit: { append: async () => undefined },
    run: "run",
    tell: () => undefined,
  } as unknown as SweepCopyDeps;
}

test.each<[ErrorKind]>([["denied"], ["interrupted"]])(
  "copies that were begun are told though thinning them, there or elsewhere, is %s",
  async (kind) => {
    const thin = () => Promise.reject(new BackupError({ kind, doing: "list", found: "no" }));
    const { swept, problems } = await sweepCopy(false, deps(thin), new AbortController().signal);
    expect(swept.destinations).toMatchObject(
      regions.map((region) => ({ region, begun: [{ point: here.id, copy: snapId(4711) }] })),
    );
    expect(problems).toMatchObject(regions.map(() => ({ severity: "error", kind })));
  },
);
