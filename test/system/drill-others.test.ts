import { access, chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { DrillHost, me, tree } from "./drill-host.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";

const volume = "vol-00000000000000001";

test("whatever directories another process has, it keeps away from the volumes of a drill at work", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  const { folder, config } = host.bench;
  const other = path.join(folder, "other-state");
  await mkdir(other, { mode: 0o700 });
  const elsewhere = { RUNTIME_DIRECTORY: path.join(folder, "other-run"), STATE_DIRECTORY: other };
  const release = path.join(host.disks.directory, "release");
  const running = path.join(host.disks.directory, "running");
  const program = path.join(host.disks.directory, "check");
  await writeFile(
    program,
    `#!/bin/sh\n: > ${running}\nwhile [ ! -e ${release} ]; do sleep 0.1; done\n[ -e $EC2_BACKUP_MOUNTS/srv/sentinel ]\n`,
  );
  await chmod(program, 0o755);
  await host.configure({ checks: { fsck: false, command: { run: [program] } } });
  const drilling = host.drill();
  const words = ["--json", "--config", config, "restore", "ls", "/", "--volume", volume];
  try {
    await context.expect.poll(() => access(running).then(() => true), { timeout: 60_000 }).toBe(true);
    const ls = await host.bench.execute(words, { env: elsewhere });
    expect([ls.code, JSON.parse(ls.stdout).error.kind], ls.stdout + ls.stderr).toEqual([75, "locked"]);
    expect(JSON.parse(ls.stdout).error.found).toContain("another restore is at work here");
    const run = await host.bench.execute(["--json", "--config", config, "run"], { env: elsewhere });
    expect([run.code, (await host.made()).length], run.stdout + run.stderr).toEqual([0, 1]);
  } finally {
    await writeFile(release, "");
    await drilling;
  }
  const { code, told, stdout, stderr } = await drilling;
  expect([code, told.reports?.[0]?.outcome], stdout + stderr).toEqual([0, "verified"]);
  const after = await host.bench.execute(words, { env: elsewhere });
  expect([after.code, await host.made()], after.stdout + after.stderr).toEqual([0, []]);
}, 300_000);

test("what is unmounted while it is looked at is no word on the point, neither good nor bad", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  const program = path.join(host.disks.directory, "check");
  const ending = async (end: string) => {
    await writeFile(program, `#!/bin/sh\numount $EC2_BACKUP_MOUNTS && ${end}\n`);
    await chmod(program, 0o755);
    await host.configure({ checks: { fsck: false, command: { run: [program] } } });
    const { code, told, stdout, stderr } = await host.drill();
    const [report] = told.reports ?? [];
    expect([code, report?.outcome, await host.made()], stdout + stderr).toEqual([2, "not-done", []]);
    expect(report?.problems.map(({ found }) => found).join()).toContain("somebody else has unmounted");
  };
  await ending("true");
  await ending("false");
  expect(await host.verified()).toEqual(["never", "never"]);
  expect(await host.metrics("RestoreVerified")).toEqual({ [`${me.id} default`]: [0, 0] });
}, 300_000);
