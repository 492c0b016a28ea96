import { expect, test } from "vitest";
import type { Fault } from "../../src/simulator/faults.ts";
import { need } from "../host/places.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { DrillHost, tree } from "./drill-host.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(`drills that are killed: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`);

/** More calls than a drill makes: the last ones never come, and such a round is one that nothing disturbs. */
const places = Array.from({ length: 24 }, (_, index) => index + 1);
const kinds = ["hang", "hang-after"] as const;
const rounds = shuffled(
  places.flatMap((index) => kinds.map((kind) => ({ index, kind }))),
  chanceOf(seed),
).slice(0, soak ? undefined : 10);

test("what a drill leaves that is killed at any call is removed by the next, and never anything else", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree, {}, lookalikes());
  await host.configure({ checks: { fsck: false, files: ["/srv/sentinel"] }, lifetime: "2h" });
  const { control } = host.bench.simulator;
  const before = await host.originals();
  const foreign = await host.made();
  expect(foreign).toHaveLength(3);
  await killedAtWork(host);
  const after = await host.drill();
  expect([after.code, after.told.reports?.[0]?.outcome], after.stdout + after.stderr).toEqual([
    0,
    "verified",
  ]);
  expect(after.told.removed?.filter(({ outcome }) => outcome === "removed")).toHaveLength(1);
  let removed = 0;
  for (const { index, kind } of rounds) {
    control.faults([{ kind, index } satisfies Fault]);
    const started = Promise.withResolvers<number>();
    const drilling = host.drill([], started.resolve);
    const pid = await started.promise;
    if (await hanging(host, kind, drilling)) process.kill(pid, "SIGKILL");
    await drilling;
    control.clearFaults();
    const where = `killed at call ${index} (${kind})`;
    const left = (await host.made()).length - foreign.length;
    const next = await host.drill();
    expect(next.code, `${where}: ${next.stdout}${next.stderr}`).toBe(0);
    expect(next.told.reports?.[0]?.outcome, where).toBe("verified");
    removed += next.told.removed?.filter(({ outcome }) => outcome === "removed").length ?? 0;
    expect(left, where).toBeLessThanOrEqual(1);
    expect(
      (await host.made()).map(({ id }) => id),
      where,
    ).toEqual(foreign.map(({ id }) => id));
    expect(await host.originals(), where).toBe(before);
    expect(await sh("sh", "-c", `grep -c ${host.runtime} /proc/self/mounts; true`), where).toBe("0");
  }
  console.log(`killed drills: ${removed} volumes were left and removed in ${rounds.length} rounds`);
}, 400_000);

/** Killed while a program of the user looks at the mounts: they are there when the next one begins. */
async function killedAtWork(host: DrillHost): Promise<void> {
  const files = ["/srv/sentinel"];
  await host.configure({ checks: { fsck: false, command: { run: ["/bin/sleep", "3"] } } });
  const started = Promise.withResolvers<number>();
  const drilling = host.drill([], started.resolve);
  const pid = await started.promise;
  await expect
    .poll(() => sh("sh", "-c", `grep -c ${host.runtime} /proc/self/mounts; true`), { timeout: 60_000 })
    .not.toBe("0");
  await new Promise((resolve) => setTimeout(resolve, 200));
  process.kill(pid, "SIGKILL");
  await drilling;
  expect(await sh("sh", "-c", `grep -c ${host.runtime} /proc/self/mounts; true`)).toBe("1");
  await host.configure({ checks: { fsck: false, files }, lifetime: "2h" });
}

/** Volumes that look like those of a drill of this instance, but for one mark each. */
function lookalikes() {
  const until = new Date(0).toISOString();
  const marks = {
    "ec2-backup:restore": "restore-0000000000000000",
    "ec2-backup:restored-from": "snap-000000000000003e9",
    "ec2-backup:restored-point": "0fa00000-0000-7000-8000-000000000001",
    "ec2-backup:restored-for": "arn:aws:ec2:eu-central-1:111122223333:instance/i-0fa00000000000001",
    "ec2-backup:temporary-until": until,
  };
  const { "ec2-backup:temporary-until": _, ...lasting } = marks;
  const other = { ...marks, "ec2-backup:restored-for": `${marks["ec2-backup:restored-for"].slice(0, -1)}2` };
  return {
    extra: [
      { id: "vol-0aaaaaaaaaaaaaaa1", size: 1, tags: lasting },
      { id: "vol-0aaaaaaaaaaaaaaa2", size: 1, tags: other },
      // Not made of the snapshot that its tag names.
      { id: "vol-0aaaaaaaaaaaaaaa3", size: 1, tags: marks },
    ],
  };
}

/** Waits for the call that is never answered, or the end of the drill that did not come so far. */
async function hanging({ bench }: DrillHost, kind: string, drilling: Promise<unknown>): Promise<boolean> {
  const { control } = bench.simulator;
  let over = false;
  void drilling.finally(() => {
    over = true;
  });
  const hung = () => control.calls().filter((call) => call.outcome?.code === kind).length;
  const before = hung();
  while (!over && hung() === before) await new Promise((resolve) => setTimeout(resolve, 20));
  return !over;
}
