import { expect, test } from "vitest";
import type { Instance, Volume } from "../../src/core/instance.ts";
import type { PlannedSwap } from "../../src/core/replace-plan.ts";
import { standingOf, thirdAt } from "../../src/core/replace-progress.ts";
import { replaceTags, swapIn, swapText } from "../../src/core/replace-tags.ts";
import { restoreTags } from "../../src/core/restore-plan.ts";
import type { VolumeState } from "../../src/core/restore-ports.ts";

const swap = (fresh?: string, old = "vol-1", device = "/dev/sdf"): PlannedSwap => ({
  old,
  device,
  deleteOnTermination: true,
  captured: old,
  ...(fresh === undefined ? {} : { fresh }),
  planned: {} as PlannedSwap["planned"],
});

const attached = (id: string, device: string, attachment = "attached") =>
  ({ id, device, attachment, tags: {} }) as unknown as Volume;

const state = (id: string, tags: Record<string, string>, device?: string): VolumeState => ({
  id,
  state: device === undefined ? "available" : "in-use",
  zone: "a",
  type: "gp3",
  sizeGiB: 1,
  tags: { [restoreTags.restore]: "restore-0a", ...tags },
  attachments: device === undefined ? [] : [{ instance: "i-0a", device, state: "attached" }],
});

/** What is found of one swap, in short. */
function found(old: VolumeState, fresh: VolumeState, volumes: readonly Volume[] = []) {
  const states = new Map([old, fresh].map((one) => [one.id, one]));
  const target = { instance: { id: "i-0a" } as Instance, volumes };
  const { progress, refusals } = standingOf([swap(fresh.id)], states, target, "UNDO");
  return [progress, refusals.map((one) => `${one.found} / ${one.remedy ?? ""}`).join()];
}

const marked = { [replaceTags.replacedBy]: "vol-9" };
const done = { [restoreTags.done]: "2026" };
const begun = { [replaceTags.undoBegunAt]: "2026" };

test("a swap is done only in its place, and begun from its first mark on", () => {
  const at = "/dev/sdf";
  expect(found(state("vol-1", {}, at), state("vol-9", {}))).toEqual(["new", ""]);
  expect(found(state("vol-1", marked, at), state("vol-9", {}))).toEqual(["begun", ""]);
  expect(found(state("vol-1", marked), state("vol-9", {}))).toEqual(["begun", ""]);
  expect(found(state("vol-1", marked), state("vol-9", done, at))).toEqual(["done", ""]);
  expect(found(state("vol-1", marked), state("vol-9", done, "/dev/xvdf"))).toEqual(["done", ""]);
  expect(found(state("vol-1", {}, at), state("vol-9", { ...done, ...begun }))).toEqual(["begun", ""]);
  expect(found(state("vol-1", marked), state("vol-9", { ...done, ...begun }, at))).toEqual(["begun", ""]);
});

test("what is neither in its place nor marked is refused, and so is a place that another has taken", () => {
  expect(found(state("vol-1", marked), state("vol-9", done))).toEqual([
    "begun",
    expect.stringMatching(
      /vol-9 is not attached as \/dev\/sdf any more \/ go back: UNDO --restore restore-0a/,
    ),
  ]);
  expect(found(state("vol-1", {}), state("vol-9", {}))).toEqual([
    "new",
    expect.stringContaining("vol-1, which vol-9 was made to replace, is not attached"),
  ]);
  const third = [attached("vol-3", "/dev/xvdf")];
  for (const tags of [{}, marked])
    expect(found(state("vol-1", tags), state("vol-9", {}), third)[1]).toContain("/dev/sdf is held by vol-3");
  expect(found(state("vol-1", marked), state("vol-9", done), third)[1]).toMatch(
    /held by vol-3 \/ add --label/,
  );
  expect(found(state("vol-1", {}), state("vol-9", { [replaceTags.undoneAt]: "2026" }), third)).toEqual([
    "new",
    "",
  ]);
  expect(thirdAt(swap("vol-9"), [attached("vol-3", "/dev/sdf", "detaching")])).toBeUndefined();
  expect(
    thirdAt(swap("vol-9"), [attached("vol-1", "/dev/sdf"), attached("vol-9", "/dev/sdf")]),
  ).toBeUndefined();
});

test("of several swaps only those that are not done are left to do", () => {
  const states = new Map(
    [state("vol-1", marked), state("vol-9", done, "/dev/sdf"), state("vol-2", {}, "/dev/sdg")].map((one) => [
      one.id,
      one,
    ]),
  );
  const target = { instance: { id: "i-0a" } as Instance, volumes: [] };
  const all = [swap("vol-9"), swap(undefined, "vol-2", "/dev/sdg")];
  const standing = standingOf(all, states, target, "UNDO");
  expect(standing).toMatchObject({ progress: "new", swaps: [{ old: "vol-2" }], refusals: [] });
  expect(standing.notes).toEqual(["vol-9 took the place of vol-1 before"]);
});

test("the mark of an old volume is read as it was written", () => {
  const mark = {
    id: "restore-0123456789abcdef",
    instance: "i-0a",
    device: "/dev/sdf",
    deleteOnTermination: true,
  };
  expect(swapIn(swapText(mark))).toEqual(mark);
  expect(swapIn("restore-0 on=i-0a dev=/dev/sdf dot=2")).toBeUndefined();
  expect(swapIn(undefined)).toBeUndefined();
});
