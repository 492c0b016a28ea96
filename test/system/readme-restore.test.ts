import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { PageStage } from "./page-stage.ts";
import { commandsOf, missingLines, typePage } from "./readme-page.ts";

test("each command of 'At three in the morning' works and prints what the page says, in its order", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  const page = await commandsOf("At three in the morning");
  expect(page.length).toBeGreaterThan(5);
  await using stage = await PageStage.start();
  const before = await stage.originals();
  await typePage(page, stage);
  // What the page began it also undoes.
  expect(await stage.originals()).toBe(before);
}, 180_000);

test("a page that tells something else would be seen", async () => {
  const printed = "Point 0fa00000-0000-7000-8000-000000000001\n  from     snap-000000000000003e9\nok\n";
  const point = "Point 0193a1b2-c3d4-7000-8000-00000000000f";
  expect(missingLines([point, "…", "ok"], printed)).toEqual([]);
  expect(missingLines(["  from     snap-0123456789abcdef0"], printed)).toEqual([]);
  expect(missingLines(["  from     vol-0123456789abcdef0", "ok"], printed)).toHaveLength(1);
  expect(missingLines(["ok", point], printed)).toEqual([point]);
});
