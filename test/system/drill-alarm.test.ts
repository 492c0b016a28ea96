import { expect, test } from "vitest";
import { soon } from "../fakes/soon.ts";
import { need } from "../host/places.ts";
import { DrillHost, me, tree } from "./drill-host.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";

test("the alarm of a drill rings when drills stop or fail, and is OK again with the next good one", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  const good = { schedule: soon, checks: { fsck: false, files: ["/srv/sentinel"] } };
  const bad = { ...good, checks: { fsck: false, files: ["/srv/nothing"] } };
  const { control } = host.bench.simulator;
  const name = `ec2-backup/${me.id}/weekly/drill`;
  const state = async () => {
    const { alarms } = await control.state();
    return Object.values(alarms).find((one) => one.name === name)?.state;
  };
  const drills = async () => (await host.drill()).code;
  await host.configure(good);
  const before = await host.execute(["alarms", "plan"]);
  const planned = JSON.parse(before.stdout).plan.changes as {
    alarm?: { name: string };
    start?: { kind: string };
  }[];
  // Made now it would ring for drills that never were.
  expect(planned.find(({ alarm }) => alarm?.name === name)?.start?.kind, before.stdout).toBe("warm-up");

  expect(await drills()).toBe(0);
  const applied = await host.execute(["alarms", "apply"]);
  expect(applied.stdout).toContain(name);
  await control.clock({ advance: "3h" });
  expect(await state(), applied.stdout).toBe("OK");
  await control.clock({ advance: "22h" });
  expect(await state()).toBe("OK");
  await control.clock({ advance: "8h" });
  expect(await state(), "drills have stopped").toBe("ALARM");
  expect(await drills()).toBe(0);
  await control.clock({ advance: "2h" });
  expect(await state()).toBe("OK");

  const again = await host.execute(["alarms", "plan"]);
  const changes = JSON.parse(again.stdout).plan.changes as { action: string; alarm?: { name: string } }[];
  expect(changes.find(({ alarm }) => alarm?.name === name)?.action).toBe("keep");

  // It still drills, and each time in vain: what it tells is the age of the last good one.
  await host.configure(bad);
  expect(await drills()).toBe(1);
  const ages = (await host.metrics("SecondsSinceLastRestoreVerified"))[`${me.id} weekly`] ?? [];
  expect(ages).toHaveLength(3);
  expect(ages[2]).toBeGreaterThan(ages[1] ?? 0);
}, 300_000);
