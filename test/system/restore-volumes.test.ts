import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import { need } from "../host/places.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { RestoreHost } from "./restore-host.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`restores that are killed: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

const words = (host: RestoreHost) => ["volumes", "--mount", host.mountedAt, "--yes"];

async function expectRestored(host: RestoreHost): Promise<void> {
  const made = await host.made();
  expect(made.map(({ attachments }) => attachments.map(({ state }) => state))).toEqual([["attached"]]);
  expect(made[0]?.type).toBe("gp3");
  expect(await readFile(path.join(host.mountedAt, "sentinel"), "utf8")).toBe("as it was\n");
}

test("a point becomes a volume that is attached and mounted, once however often it is asked for", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await RestoreHost.start();
  const before = await host.originals();
  const plan = await host.restore(["volumes"]);
  expect(plan.told.plan?.volumes).toHaveLength(1);
  expect([plan.code, await host.made()]).toEqual([0, []]);

  const first = await host.restore(words(host));
  expect(first.told.result, first.stdout + first.stderr).toMatchObject({ outcome: "done" });
  expect(first.code).toBe(0);
  await expectRestored(host);
  const file = path.join(host.mountedAt, "new");
  await expect(writeFile(file, "x"), "mounted read-only").rejects.toThrow("EROFS");

  const again = await host.restore(words(host));
  expect([again.code, again.told.result?.outcome]).toEqual([0, "was-done"]);
  await expectRestored(host);

  const other = await host.restore(["volumes", "--type", "io2", "--iops", "4000", "--size", "5", "--yes"]);
  expect([other.code, other.told.result], other.stdout).toEqual([2, undefined]);
  expect(other.stdout).toContain("has gp3 and not io2, 1 GiB and not 5 GiB, 3000 IOPS and not 4000 IOPS");
  await expectRestored(host);

  const kept = await host.restore(["volumes", "--undo", "--yes"]);
  expect(kept.told.undone?.map(({ outcome }) => outcome)).toEqual(["left"]);
  const id = plan.told.plan?.id ?? "";
  const undone = await host.restore(["volumes", "--undo", "--restore", id, "--yes"]);
  expect(
    undone.told.undone?.map(({ outcome }) => outcome),
    undone.stdout,
  ).toEqual(["removed"]);
  expect(await host.made()).toEqual([]);
  expect(await host.originals()).toBe(before);
});

/** More calls than a restore makes: the last ones never come, and such a round is one that nothing disturbs. */
const places = Array.from({ length: 16 }, (_, index) => index + 1);
const kinds = ["hang", "hang-after"] as const;
const rounds = shuffled(
  places.flatMap((index) => kinds.map((kind) => ({ index, kind }))),
  chanceOf(seed),
).slice(0, soak ? undefined : 10);

test("a restore that is killed at any call is continued, or undone, by the next command", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await RestoreHost.start();
  const before = await host.originals();
  for (const [round, { index, kind }] of rounds.entries()) {
    const label = ["--label", `round-${round}`];
    const fault: Fault = { kind, index };
    host.bench.simulator.control.faults([fault]);
    const started = Promise.withResolvers<number>();
    const restoring = host.restore([...words(host), ...label], started.resolve);
    const pid = await started.promise;
    const hit = await Promise.race([restoring.then(() => false), hanging(host, kind)]);
    if (hit) process.kill(pid, "SIGKILL");
    await restoring;
    host.bench.simulator.control.clearFaults();
    const where = `killed at call ${index} (${kind}), round ${round}`;
    expect(await host.originals(), where).toBe(before);
    if (round % 2 === 0) {
      const next = await host.restore([...words(host), ...label]);
      expect(next.code, `${where}: ${next.stdout}${next.stderr}`).toBe(0);
      await expectRestored(host);
    }
    const undone = await host.restore(await host.undoing());
    expect(undone.code, `${where}: ${undone.stdout}${undone.stderr}`).toBe(0);
    expect(await host.made(), where).toEqual([]);
    expect(await host.originals(), where).toBe(before);
  }
}, 300_000);

/** Waits for the call that is never answered. */
async function hanging({ bench }: RestoreHost, kind: string): Promise<boolean> {
  const { control } = bench.simulator;
  const before = control.calls().filter((call) => call.outcome?.code === kind).length;
  for (;;) {
    if (control.calls().filter((call) => call.outcome?.code === kind).length > before) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
