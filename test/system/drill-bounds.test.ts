import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { topicService } from "../fakes/topic-service.ts";
import { need } from "../host/places.ts";
import { DrillHost, me, tree } from "./drill-host.ts";
import { isInstalled, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { postgres } from "./servers.ts";

test("too large a point, a missing point and a lock are refused before anything is made, and told", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4", "ext4"], tree);
  const made = () => host.bench.apiCalls().filter(({ action }) => action === "CreateVolume").length;
  const topic = "arn:aws:sns:eu-central-1:111122223333:backups";
  const sns = await topicService();
  const env = { AWS_ENDPOINT_URL_SNS: sns.url };
  await host.configure({ maxSize: 1 }, { notify: { topic } });
  const large = await host.bench.execute(["--json", "--config", host.bench.config, "drill"], { env });
  expect([large.code, made()], large.stdout + large.stderr).toEqual([2, 0]);
  expect(large.stdout).toContain("its 2 volumes have 2 GiB together, and the drill may make 1 GiB");
  expect(large.stdout).toContain("set drill.weekly.maxSize to at least 2");
  expect(sns.published.map(({ subject }) => subject)).toEqual([
    `Restore drill FAILED: host (${me.id}), job default`,
  ]);
  expect(sns.published[0]?.message).toContain("could NOT be done");
  expect(await host.metrics("RestoreVerified")).toEqual({ [`${me.id} default`]: [0] });
  expect(await host.verified(), "nothing is known of the point").toEqual(["never", "never", "never"]);

  await host.configure({ of: ["nobody"], jobs: ["default"] });
  const missing = await host.drill();
  expect([missing.code, made()], missing.stdout).toEqual([2, 0]);
  expect(missing.told.reports?.[0]).toMatchObject({ outcome: "not-done", subject: { id: "nobody" } });

  const program = path.join(host.disks.directory, "anybody");
  await writeFile(program, "#!/bin/sh\n");
  await chmod(program, 0o777);
  await host.configure({ jobs: ["default"], checks: { fsck: false, command: { run: [program] } } });
  const untrusted = await host.drill();
  expect([untrusted.code, untrusted.told.reports?.[0]?.outcome], untrusted.stdout).toEqual([78, "not-done"]);
  expect([made(), await host.made()]).toEqual([2, []]);

  await host.configure({ checks: { fsck: false, command: { run: ["/bin/sleep", "2"] } } });
  const first = host.drill();
  await context.expect.poll(made, { timeout: 60_000 }).toBe(4);
  const second = await host.drill();
  expect([second.code, second.told.error?.kind], second.stdout).toEqual([75, "locked"]);
  const ended = await first;
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  expect(await host.made()).toEqual([]);
}, 300_000);

test("a drill host restores points of others, roots too, and tells under their names", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const here = "i-0fa00000000000002";
  const instances = [
    { id: me.id, name: "host", state: "terminated" as const },
    { id: here, name: "drills" },
  ];
  const other = { change: { self: here, instances, volumes: [] }, root: true };
  await using host = await DrillHost.start(["ext4"], tree, {}, other);
  await host.configure({ of: ["host"], checks: { files: ["/srv/sentinel"] } });
  const slot = "2026-11-01T05:30:00.000Z";
  const { code, told, stdout, stderr } = await host.drill([
    "weekly",
    "--trigger",
    "schedule",
    "--slot",
    slot,
  ]);
  expect(code, stdout + stderr).toBe(0);
  expect(told.reports?.[0]).toMatchObject({
    outcome: "verified",
    subject: { id: me.id },
    sizeGiB: 2,
    left: [],
  });
  expect(await host.verified()).toEqual(["ok", "ok"]);
  expect(Object.keys(await host.metrics("RestoreVerified"))).toEqual([`${me.id} default`]);
  expect(Object.keys(await host.metrics("SecondsSinceLastRestoreVerified"))).toEqual([`${here} weekly`]);
  expect(await host.made()).toEqual([]);

  await host.configure({ schedule: "30 5 * * 0", of: ["host"] });
  const checked = JSON.parse((await host.execute(["check-config"])).stdout);
  expect(checked.timetable).toContainEqual(
    expect.objectContaining({ job: "drill/weekly", schedule: "30 5 * * 0", lastSlot: slot }),
  );
  expect(checked.values).toContainEqual({ path: "drill.weekly.of", value: "host", origin: "config.yaml:1" });
}, 300_000);

test("a drill that is told to stop, or takes too long, cleans up before it ends", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  const mounts = () => sh("sh", "-c", `grep -c ${host.runtime} /proc/self/mounts; true`);
  const schedule = "30 5 * * 0";
  await host.configure({ schedule, checks: { fsck: false, command: { run: ["/bin/sleep", "30"] } } });
  const started = Promise.withResolvers<number>();
  const words = ["weekly", "--trigger", "schedule", "--slot", "2026-11-01T05:30:00.000Z"];
  const drilling = host.drill(words, started.resolve);
  const pid = await started.promise;
  await context.expect.poll(mounts, { timeout: 60_000 }).toBe("1");
  process.kill(pid, "SIGTERM");
  const stopped = await drilling;
  expect(stopped.code, stopped.stdout + stopped.stderr).toBe(143);
  expect([await host.made(), await mounts()]).toEqual([[], "0"]);
  expect(await host.metrics("RestoreVerified"), "who was told to stop has found out nothing").toEqual({});
  const { timetable } = JSON.parse((await host.execute(["check-config"])).stdout);
  expect(
    timetable.find(({ job }: { job: string }) => job === "drill/weekly"),
    "no slot is served",
  ).toEqual({
    ...{ job: "drill/weekly", schedule, timezone: expect.anything(), splay: expect.anything() },
  });

  await host.configure({ timeout: "4s", checks: { fsck: false, command: { run: ["/bin/sleep", "30"] } } });
  const late = await host.drill();
  expect([late.code, late.told.reports?.[0]?.outcome], late.stdout).toEqual([2, "not-done"]);
  expect(late.stdout).toContain("it was not done after 4s");
  expect([await host.made(), await mounts()]).toEqual([[], "0"]);
}, 300_000);

test("runs remove what a drill has left once its time is over, and not before", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  await host.configure({ lifetime: "10m", timeout: "5m", checks: { fsck: false } });
  const { control } = host.bench.simulator;
  control.faults([{ kind: "hang", action: "AttachVolume" }]);
  const started = Promise.withResolvers<number>();
  const drilling = host.drill([], started.resolve);
  const pid = await started.promise;
  await context.expect
    .poll(() => control.calls().some(({ action }) => action === "AttachVolume"), { timeout: 60_000 })
    .toBe(true);
  process.kill(pid, "SIGKILL");
  await drilling;
  control.clearFaults();
  const [left] = await host.made();
  expect(left?.tags["ec2-backup:temporary-until"]).toBeDefined();
  const early = await host.execute(["run"]);
  expect([early.code, (await host.made()).length], early.stdout + early.stderr).toEqual([0, 1]);
  expect(early.stdout, "it is no data of this instance").not.toContain(left?.id);
  // As it would be ten minutes later.
  const tags = { "ec2-backup:temporary-until": new Date(Date.now() - 1000).toISOString() };
  await control.volumes([{ change: { volume: left?.id, tags } }]);
  const late = await host.execute(["run"]);
  expect([late.code, await host.made()], late.stdout + late.stderr).toEqual([0, []]);
  expect(late.stderr).toContain(`removed volume ${left?.id}`);
}, 300_000);

test("a database that starts passes, and one that does not start fails", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  need(context, postgres.present && isInstalled("setpriv"), "PostgreSQL and setpriv");
  await using host = await DrillHost.start(["ext4"], (mount) => postgres.create(mount), { ext4: 96 });
  const program = path.join(host.disks.directory, "check-database");
  const server = (
    await sh("sh", "-c", "ls -d /usr/lib/postgresql/*/bin /usr/pgsql*/bin 2>/dev/null | head -1")
  ).trim();
  // A throw-away server on a throw-away layer above the read-only mount.
  const script = `#!/bin/sh -e
[ -n "$INSIDE" ] || exec env INSIDE=1 unshare --mount --pid --fork --kill-child "$0"
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/data
mount -t overlay overlay -o lowerdir=$EC2_BACKUP_MOUNTS,upperdir=/mnt/upper,workdir=/mnt/work /mnt/data
chmod 755 /mnt; rm -f /mnt/data/data/postmaster.pid
as="setpriv --reuid=postgres --regid=postgres --init-groups --"
$as ${server}/pg_ctl -D /mnt/data/data -w -t 30 -s -o "-k /tmp -p 54999 -c listen_addresses=" start </dev/null >/dev/null 2>&1
$as psql -h /tmp -p 54999 -XAtq -c "select count(*) > 0 from pg_class" postgres | grep -qx t
$as ${server}/pg_ctl -D /mnt/data/data -m immediate -s stop
`;
  await writeFile(program, script);
  await chmod(program, 0o755);
  await host.configure({ checks: { fsck: false, command: { run: [program], timeout: "60s" } } });
  const good = await host.drill();
  expect([good.code, good.told.reports?.[0]?.outcome], good.stdout + good.stderr).toEqual([0, "verified"]);

  const [image = ""] = host.images;
  await sh("debugfs", "-w", "-R", "rm /data/global/pg_control", image);
  const bad = await host.drill();
  const checks = bad.told.reports?.[0]?.checks.map(({ check, outcome }) => `${check} ${outcome}`);
  expect([bad.code, checks], bad.stdout).toEqual([1, ["mount passed", "command failed"]]);
  expect(await host.made()).toEqual([]);
}, 300_000);
