import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { mountWhenFree } from "../../src/host/mount-when-free.ts";
import { LoopDisks, loopDisksCan, loopDisksNeed } from "../system/loop-disks.ts";
import { need } from "./places.ts";

const { signal } = new AbortController();

test("a disk that somebody holds for a moment is mounted when it is free, and one that stays held is told", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  await using disks = await LoopDisks.start();
  const device = await disks.attach(await disks.file("disk", 16));
  await disks.format(device, "ext4");
  const where = path.join(disks.directory, "here");
  await mkdir(where);
  disks.janitor.undo(`umount ${where} 2>/dev/null; true`);
  const held = await open(device, constants.O_RDONLY | constants.O_EXCL);
  const mounting = mountWhenFree(["-t", "ext4", "-o", "ro", device, where], signal);
  await pause(1_000);
  await held.close();
  expect(await mounting).toMatchObject({ code: 0 });
  await disks.unmount(where);
  await using holder = await open(device, constants.O_RDONLY | constants.O_EXCL);
  const answer = await mountWhenFree(["-t", "ext4", "-o", "ro", device, where], signal);
  expect([holder.fd > 0, answer.code, answer.said]).toEqual([true, 32, expect.stringContaining("busy")]);
});
