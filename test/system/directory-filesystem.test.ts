import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { making, mounting, whenFree } from "../../src/core/directory-filesystem.ts";
import { need } from "../host/places.ts";
import { LoopDisks, loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

async function ended(script: string): Promise<readonly [number, string]> {
  const child = spawn("sh", ["-c", whenFree + script], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const [code] = (await once(child, "close")) as [number];
  return [code, said];
}

test.for(["ext4", "xfs"] as const)(
  "whoever holds a disk for a moment is waited for when %s is made on it and mounted",
  { timeout: 60_000 },
  async (filesystem, context) => {
    need(context, loopDisksCan, loopDisksNeed);
    await using disks = await LoopDisks.start();
    const device = await disks.attach(await disks.file("disk", 320));
    const where = path.join(disks.directory, "here");
    await mkdir(where);
    disks.janitor.undo(`umount ${where} 2>/dev/null; true`);
    for (const script of [`disk=${device}\n${making({ filesystem })}`, mounting(device, where, "")]) {
      const held = await open(device, constants.O_RDONLY | constants.O_EXCL);
      const ending = ended(script);
      await pause(700);
      await held.close();
      expect(await ending).toEqual([0, ""]);
    }
    expect(await sh("findmnt", "-nro", "FSTYPE", "-M", where)).toBe(filesystem);
    await disks.unmount(where);
    const begun = performance.now();
    expect(await ended("when_free sh -c 'echo no >&2; exit 3'"), "what is no such thing").toEqual([
      1,
      "no\n",
    ]);
    expect(performance.now() - begun, "is told at once").toBeLessThan(5_000);

    await using holder = await open(device, constants.O_RDONLY | constants.O_EXCL);
    expect(holder.fd).toBeGreaterThan(0);
    expect(await ended(mounting(device, where, ""))).toEqual([
      1,
      expect.stringMatching(/busy|open blockdev/),
    ]);
  },
);

test("whoever has written to a disk while he held it keeps what he has written", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using disks = await LoopDisks.start();
  const device = await disks.attach(await disks.file("disk", 320));
  const held = await open(device, constants.O_RDONLY | constants.O_EXCL);
  const ending = ended(`disk=${device}\n${making({ filesystem: "ext4" })}`);
  await pause(700);
  const theirs = path.join(disks.directory, "theirs");
  await sh("truncate", "-s", "320M", theirs);
  await sh("mkfs.ext4", "-q", "-L", "theirs", theirs);
  await sh("dd", `if=${theirs}`, `of=${device}`, "bs=1M", "conv=fsync,notrunc", "status=none");
  await held.close();
  expect(await ending).toEqual([1, expect.stringContaining(`somebody else has written to ${device}`)]);
  expect(await sh("blkid", "-p", "-o", "value", "-s", "LABEL", device)).toBe("theirs");
}, 60_000);
