import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { RestoreHost } from "./restore-host.ts";
import { RestoreWithin } from "./restore-within.ts";
import { Stack } from "./stack.ts";

const missing = loopDisksCan ? undefined : `needs ${loopDisksNeed}`;
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`faults of a restore: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

/** What a restore and its undoing ask EC2, and how often. */
const calls = {
  DescribeInstances: 1,
  DescribeSnapshots: 1,
  DescribeVolumes: 8,
  CreateVolume: 1,
  AttachVolume: 1,
  DescribeVolumeStatus: 1,
  CreateTags: 1,
  DetachVolume: 1,
  DeleteVolume: 1,
} as const;

/** What may be asked again, once it is known that nothing is done twice. */
const passing = [
  "throttle",
  "500",
  "reset-before",
  "reset-after",
  "delay",
  "hang",
  "hang-after",
  "truncated",
] as const;

interface Round {
  readonly fault: Fault;
  /** Whether the first invocation is to come to its end in spite of it. */
  readonly ends: boolean;
}

/** Each call with each fault once; each action with what never ends, and with a refusal. */
const all: readonly Round[] = Object.entries(calls).flatMap(([action, times]) => [
  ...Array.from({ length: times }, (_, index) => index + 1).flatMap((index) =>
    passing.map((kind): Round => ({ fault: { kind, action, index, ms: 300 }, ends: true })),
  ),
  ...(["throttle", "500", "reset-before", "reset-after", "hang", "denied"] as const).map(
    (kind): Round => ({ fault: { kind, action, count: "always" }, ends: false }),
  ),
]);
const rounds = shuffled(all, chanceOf(seed)).slice(0, soak ? undefined : 10);

const stack = new Stack();
let host: RestoreHost;
let within: RestoreWithin;

beforeAll(async () => {
  if (missing !== undefined) return;
  host = stack.use(await RestoreHost.start());
  await host.bench.configure({ request: "1s" });
  within = new RestoreWithin(host);
  stack.defer(() => void vi.unstubAllEnvs());
});

afterAll(() => stack.disposeAsync());

const arm = (...faults: Fault[]) => host.bench.simulator.control.faults(faults, true);

async function expectRestored(where: string): Promise<void> {
  const made = await host.made();
  expect(
    made.map(({ attachments, type }) => [type, attachments.map(({ state }) => state)]),
    where,
  ).toEqual([["gp3", ["attached"]]]);
  expect(await readFile(path.join(host.mountedAt, "sentinel"), "utf8"), where).toBe("as it was\n");
}

test.skipIf(missing !== undefined)(
  `whatever goes wrong with a call, the next invocation finishes or undoes${missing ? ` (${missing})` : ""}`,
  async () => {
    const before = await host.originals();
    for (const [round, { fault, ends }] of rounds.entries()) {
      const label = `round-${round}`;
      const where = `SEED=${seed}, round ${round}: ${JSON.stringify(fault)}`;
      const undoing = fault.action === "DetachVolume" || fault.action === "DeleteVolume";
      if (!undoing) arm(fault);
      const first = await within.volumes({ label, initialize: "rate" });
      if (undoing || ends) expect([first.outcome, first.failure], where).toEqual(["done", undefined]);
      else expect([first.outcome, typeof first.failure?.found], where).toEqual(["unfinished", "string"]);
      expect(await host.originals(), where).toBe(before);

      arm();
      if (undoing || round % 2 === 0) {
        // What could be used when it failed was finished: only EC2 had still to read its blocks.
        const made = await host.made();
        const finished = made.length > 0 && made.every(({ tags }) => tags[restoreTags.done] !== undefined);
        if (undoing || ends) expect(finished, where).toBe(true);
        const next = await within.volumes({ label, initialize: "rate" });
        expect([next.outcome, next.failure, next.notMounted], where).toEqual([
          finished ? "was-done" : "done",
          undefined,
          [],
        ]);
        await expectRestored(where);
      }
      const id = await within.idOf(label);
      if (undoing) arm(fault);
      const undone = await within.undo(id);
      if (undoing)
        expect(
          undone.map(({ outcome }) => outcome),
          where,
        ).toEqual([ends ? "removed" : "failed"]);
      arm();
      expect(
        (await within.undo(id)).map(({ outcome }) => outcome).filter((one) => one !== "removed"),
      ).toEqual([]);
      expect(await host.made(), where).toEqual([]);
      expect(await readFile("/proc/self/mounts", "utf8"), where).not.toContain(` ${host.mountedAt} `);
      expect(await host.originals(), where).toBe(before);
    }
  },
  1_800_000,
);
