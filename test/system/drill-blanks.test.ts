import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { DrillHost, me, tree } from "./drill-host.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { withoutDisks } from "./mount-namespace.ts";

const second = "vol-00000000000000002";

test("no volume of a point is passed over: what nothing could be looked at on keeps it from being verified", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4", "ext4"], tree);
  const [, image = ""] = host.images;
  const blank = async () => {
    const size = await sh("stat", "-c", "%s", image);
    await sh("truncate", "-s", "0", image);
    await sh("truncate", "-s", size, image);
  };
  const checks = { fsck: false, files: ["/srv/sentinel"], checksums: { inside: "/srv/SHA256SUMS" } };
  const drilled = async (raw: readonly string[] = []) => {
    await host.configure({ checks: raw.length === 0 ? checks : { ...checks, raw } });
    const { code, told, stdout, stderr } = await host.drill();
    const [report] = told.reports ?? [];
    const notPassed = report?.checks.filter(({ outcome }) => outcome !== "passed") ?? [];
    expect(await host.made()).toEqual([]);
    const of = notPassed.map(({ check, on, outcome }) => `${check} ${on}: ${outcome}`);
    return { code, outcome: report?.outcome, of, said: stdout + stderr };
  };

  await blank();
  const zeroed = await drilled();
  expect(zeroed, zeroed.said).toMatchObject({
    code: 2,
    outcome: "not-done",
    of: [`mount ${second}: not-done`],
  });
  expect(zeroed.said).toContain("name the volume in drill.weekly.checks.raw");
  expect(await host.verified(), "nothing good is said of it").toEqual(["never", "never", "never"]);
  const status = await host.execute(["status", "--offline"]);
  expect([status.code, JSON.parse(status.stdout).drills[0].subjects], status.stdout).toMatchObject([
    1,
    [{ outcome: "not-done", failing: [expect.stringContaining(second)] }],
  ]);

  await sh("sh", "-c", `printf 'label: dos\n' | sfdisk -q ${image}`);
  expect(await drilled(), "a table without a partition").toMatchObject({
    outcome: "not-done",
    of: [`mount ${second}: not-done`],
  });

  await blank();
  await sh("mkswap", image);
  const swap = await drilled();
  expect(swap, swap.said).toMatchObject({
    code: 0,
    outcome: "verified",
    of: [`mount swap on ${second}: skipped`],
  });
  expect(await host.verified(), "only what was looked at").toEqual(["never", "ok", "never"]);

  await blank();
  await sh("sh", "-c", `printf 'label: gpt\nsize=4M\nsize=4M\nsize=4M\n' | sfdisk -q ${image}`);
  await sh("mkfs.ext4", "-q", "-E", `offset=${2048 * 512}`, image, "4M");
  const lock = `dd of=${image} bs=1M seek=5 conv=notrunc status=none`;
  await sh("sh", "-c", `printf 'LUKS\\272\\276\\000\\001' | ${lock}`);
  const luks = `mount crypto_LUKS on ${second} partition 2`;
  const blankPart = `mount ${second} partition 3`;
  const parts = await drilled();
  const of = [`${luks}: not-done`, `${blankPart}: not-done`];
  expect(parts, parts.said).toMatchObject({ code: 2, outcome: "not-done", of });
  expect((await host.metrics("RestoreVerified"))[`${me.id} default`]).toEqual([0, 0, 1, 0]);
  const raw = await drilled([second]);
  const skipped = [`${luks}: skipped`, `${blankPart}: skipped`];
  expect(raw, raw.said).toMatchObject({ code: 0, outcome: "verified", of: skipped });
  expect(await host.verified(), "what can be looked at on it is").toEqual(["never", "ok", "ok"]);
}, 300_000);

/** Runs the program where another one is not installed. */
const without = `${withoutDisks()}
set -e
mount -t tmpfs tmpfs /mnt; mkdir /mnt/upper /mnt/work
directory=$(dirname "$1")
mount -t overlay overlay -o lowerdir="$directory",upperdir=/mnt/upper,workdir=/mnt/work "$directory"
rm "$1"; shift; exec "$@"`;

test("a check that is asked for and cannot be done is never taken for a good one", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  // Damage that only fsck tells of.
  await sh("debugfs", "-w", "-R", "set_inode_field /srv/data links_count 7", host.images[0] ?? "");
  await host.configure({ checks: { files: ["/srv/sentinel"] } });
  const checker = await sh("sh", "-c", 'readlink -f "$(command -v e2fsck)"');
  const words = ["--json", "--config", host.bench.config, "drill"];
  const { code, stdout, stderr } = await host.bench.execute(words, {
    under: ["unshare", "-m", "--propagation", "private", "sh", "-c", without, "sh", checker],
    env: { RUNTIME_DIRECTORY: host.runtime },
  });
  const report = JSON.parse(stdout).reports[0];
  expect([code, report.outcome], stdout + stderr).toEqual([2, "not-done"]);
  const fsck = report.checks.find(({ check }: { check: string }) => check === "fsck");
  expect(fsck.detail).toBe(
    "e2fsck, which would check it, is not installed; to do without such checks: drill.weekly.checks.fsck: false",
  );
  expect(report.problems).toMatchObject([{ severity: "error", found: fsck.detail }]);
  expect(await host.verified()).toEqual(["never", "never"]);
  expect(await host.metrics("RestoreVerified")).toEqual({ [`${me.id} default`]: [0] });
  expect(await host.metrics("SecondsSinceLastRestoreVerified"), "the alarm goes by silence").toEqual({});
  const status = await host.execute(["status", "--offline"]);
  expect([status.code, JSON.parse(status.stdout).drills[0].subjects[0].outcome]).toEqual([1, "not-done"]);

  await host.configure({ checks: { fsck: false, files: ["/srv/sentinel"] } });
  const plain = await host.drill();
  expect([plain.code, await host.verified()], plain.stdout + plain.stderr).toEqual([0, ["never", "ok"]]);
}, 300_000);
