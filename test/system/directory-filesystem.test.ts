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
    const ended = async (script: string) => {
      const child = spawn("sh", ["-c", whenFree + script], { stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      const [code] = await once(child, "close");
      return [code, said];
    };
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
    const [code, said] = await ended(mounting("/dev/null", where, ""));
    expect([code, said]).toEqual([1, "/dev/null is no disk\n"]);
    expect(await ended(mounting(device, "/dev/null", ""))).toEqual([1, expect.stringContaining("/dev/null")]);
    expect(performance.now() - begun, "what is no such thing is told at once").toBeLessThan(5_000);
  },
);
