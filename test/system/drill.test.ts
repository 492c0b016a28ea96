import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { DrillHost, me, tree } from "./drill-host.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

const of = `${me.id} default`;

test("a good point of a running machine passes on ext4, XFS and btrfs, is told everywhere, and nothing is left", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4", "xfs", "btrfs"], tree, {}, { crashed: true });
  await host.configure({
    schedule: "30 5 * * *",
    checks: {
      files: ["/srv/sentinel", { path: "/mnt/srv/data", newerThan: "60d" }],
      checksums: { inside: "/srv/SHA256SUMS" },
    },
  });
  const before = await host.originals();
  const plan = await host.drill(["--dry-run"]);
  expect(plan.told.reports, plan.stdout + plan.stderr).toMatchObject([{ outcome: "not-done", sizeGiB: 3 }]);
  expect([plan.code, await host.made(), await host.metrics("RestoreVerified")]).toEqual([0, [], {}]);

  const { code, told, stdout, stderr } = await host.drill();
  expect(code, stdout + stderr).toBe(0);
  const [report] = told.reports ?? [];
  expect(report).toMatchObject({ outcome: "verified", job: "default", subject: { id: me.id }, problems: [] });
  const checks = report?.checks.map(({ check, on, outcome }) => `${check} ${on}: ${outcome}`);
  const [one, two, three] = [1, 2, 3].map((index) => `vol-0000000000000000${index}`);
  expect(checks?.toSorted()).toEqual(
    [
      `fsck ext4 on ${one}: passed`,
      `mount ext4 on ${one}: passed`,
      `fsck xfs on ${two}: passed`,
      `mount xfs on ${two}: passed`,
      `fsck btrfs on ${three}: passed`,
      `mount btrfs on ${three}: passed`,
      "file /srv/sentinel: passed",
      "file /mnt/srv/data: passed",
      "checksums /srv/SHA256SUMS: passed",
    ].toSorted(),
  );
  // Never a copy of its own root, and no tag that would say that one was looked at.
  expect(report?.left.map(({ volume }) => volume)).toEqual(["vol-00000000000000000"]);
  expect(await host.verified()).toEqual(["never", "ok", "ok", "ok"]);
  expect(await host.metrics("RestoreVerified")).toEqual({ [of]: [1] });
  const [seconds = 0] = (await host.metrics("RestoreSeconds"))[of] ?? [];
  expect(seconds).toBeGreaterThan(0.3);
  const ages = (await host.metrics("SecondsSinceLastRestoreVerified"))[`${me.id} weekly`] ?? [];
  expect(ages).toHaveLength(1);
  expect(ages[0]).toBeLessThan(60);
  expect(await host.made()).toEqual([]);
  expect(await host.originals()).toBe(before);
  expect(
    await sh("sh", "-c", `grep -c ${host.runtime} /proc/self/mounts; ls -d ${host.runtime}-drill; true`),
  ).toBe("0");

  const status = await host.execute(["status", "--offline"]);
  expect(JSON.parse(status.stdout).drills, status.stdout).toMatchObject([
    { drill: "weekly", subjects: [{ job: "default", outcome: "verified" }] },
  ]);
}, 300_000);

/** Overwrites so many bytes at a place of a file. */
async function flip(file: string, at: number, bytes: number): Promise<void> {
  await sh(
    "sh",
    "-c",
    `head -c ${bytes} /dev/urandom | dd of=${file} bs=1 seek=${at} conv=notrunc status=none`,
  );
}

test("flipped blocks, a missing file and a program that fails are noticed, and a good point passes after that", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using host = await DrillHost.start(["ext4"], tree);
  const [image = ""] = host.images;
  const good = `${image}.good`;
  await sh("cp", "--sparse=always", image, good);
  const program = path.join(host.disks.directory, "check");
  await writeFile(
    program,
    '#!/bin/sh\nread -r line < $EC2_BACKUP_MOUNTS/srv/sentinel && test "$line" = "as it was"\n',
  );
  await chmod(program, 0o755);
  const checks = {
    files: ["/srv/sentinel"],
    checksums: { inside: "/srv/SHA256SUMS" },
    command: { run: [program] },
  };
  await host.configure({ checks });
  const failing = async (spoil: () => Promise<unknown>, drill: object = { checks }): Promise<string[]> => {
    await sh("cp", "--sparse=always", good, image);
    await spoil();
    await host.configure(drill);
    const { code, told, stdout, stderr } = await host.drill();
    const [report] = told.reports ?? [];
    const failed = report?.checks.filter(({ outcome }) => outcome === "failed") ?? [];
    expect([code, report?.outcome], stdout + stderr).toEqual(
      failed.length === 0 ? [0, "verified"] : [1, "failed"],
    );
    expect(await host.made()).toEqual([]);
    return failed.map(({ check }) => check);
  };
  const debugfs = (words: string) => sh("debugfs", "-w", "-R", words, image);
  const data = Number((await sh("debugfs", "-R", "blocks /srv/data", good)).split(" ")[0]);
  const size = Number(/^Block size:\s+(\d+)/m.exec(await sh("dumpe2fs", "-h", good))?.[1]);

  expect(await failing(async () => undefined)).toEqual([]);
  expect(await failing(() => flip(image, data * size + 100, 64)), "a file's content").toEqual(["checksums"]);
  expect(await host.verified()).toEqual(["never", "failed checksums"]);
  expect(await failing(() => debugfs("set_inode_field /srv/data links_count 7"))).toEqual(["fsck"]);
  expect(await failing(() => debugfs("rm /srv/sentinel"))).toEqual(
    expect.arrayContaining(["file", "checksums", "command"]),
  );
  const values = async () => (await host.metrics("RestoreVerified"))[of];
  expect(await values()).toEqual([1, 0, 0, 0]);

  await flip(image, 1024, 1024);
  const nothing = await host.drill();
  expect([nothing.code, nothing.told.reports?.[0]?.outcome], nothing.stdout).toEqual([2, "not-done"]);
  expect(await values(), "a volume without a filesystem").toEqual([1, 0, 0, 0, 0]);
  const status = await host.execute(["status", "--offline"]);
  expect(status.code).toBe(1);
  expect(await failing(async () => undefined)).toEqual([]);
}, 300_000);
