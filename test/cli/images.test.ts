import { expect, test } from "vitest";
import { printExplanation } from "../../src/cli/explain.ts";
import { forgotten } from "../../src/cli/forget.ts";
import { printImage } from "../../src/cli/images.ts";
import { printPoints } from "../../src/cli/list.ts";
import { pickPoint } from "../../src/cli/pick-point.ts";
import { printRestorable } from "../../src/cli/restore-list.ts";
import { printReports } from "../../src/cli/run.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { exitCodeOf, type ImageReport, summaryOf } from "../../src/core/report.ts";
import { choosePoint } from "../../src/core/restore-choice.ts";
import { at, point } from "../core/points.ts";
import { captured, report } from "../core/reports.ts";

const regular = point(at("2027-03-28T01:00"), { id: "01a1ff57-1191-73ad-828b-914714169d35" });
const image: RecoveryPoint = {
  ...point(at("2027-03-28T01:01"), { id: "01a1ff57-12c9-7765-9bbb-49a8f8b5535a" }),
  image: { period: "monthly 2027-03", id: "ami-0123456789abcdef0", state: "available" },
};

/** What a person with a terminal of 80 columns reads. */
function shown(print: (out: ReturnType<typeof terminal>) => void): string {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  print(terminal({ write, isTTY: true, columns: 80 }, false));
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  return text;
}

test("lists show images as what they are, and count them beside the points", () => {
  const listed = shown((out) => printPoints([image, regular], [], out));
  expect(listed).toContain(`${image.id} image ami-0123456789abcdef0`);
  expect(listed).toContain("1 point, 1 complete; beside them 1 of images");
  const { id: _, ...unknown } = image.image ?? { period: "" };
  expect(shown((out) => printPoints([{ ...image, image: unknown }], [], out))).toMatch(/5535a image\n/);
  expect(shown((out) => printPoints([regular], [], out))).toContain("1 point, 1 complete\n");
  const offered = { points: [image, regular], all: 2, zone: "UTC" };
  const restorable = shown((out) => printRestorable(offered, out));
  expect(restorable.split("\n").slice(1, 3)).toMatchObject([
    expect.stringContaining("crash image"),
    expect.not.stringContaining("image"),
  ]);
});

test("whoever presses Enter, or names no point, gets no image", async () => {
  const answers = [""];
  const dialogue = { rows: 24, ask: () => Promise.resolve(answers.shift()), end: () => undefined };
  const offered = { points: [image, regular], zone: "UTC", now: at("2027-03-29T00:00") };
  let text = "";
  const out = terminal({ write: (more: string) => (text += more) }, false);
  expect(await pickPoint(offered, dialogue, out)).toBe(regular.id);
  expect(text).toContain("crash image");
  expect(choosePoint([image, regular], {})).toMatchObject({ point: { id: regular.id }, passedOver: [] });
  expect(choosePoint([image, regular], { point: image.id }).point.id).toBe(image.id);
  expect(choosePoint([image], {}).point.id, "all there is").toBe(image.id);
  expect(choosePoint([image, { ...regular, state: "pending" }], {}).point.id).toBe(image.id);
});

test("an explanation names the image", () => {
  const explanation = {
    snapshot: image.snapshots[0]?.id ?? "",
    point: image,
    verdict: "keep",
    reasons: ["last 1"],
  } as const;
  expect(shown((out) => printExplanation(explanation, out))).toContain(
    "image        ami-0123456789abcdef0, made for monthly 2027-03",
  );
  expect(
    shown((out) => printExplanation({ ...explanation, point: regular, snapshot: "" }, out)),
  ).not.toContain("image");
});

const retention: NonNullable<ImageReport["retention"]> = {
  policy: "last 1 (UTC)",
  asOf: "2027-03-28T01:02:00.000Z",
  keep: [{ point: summaryOf(image), reasons: ["last 1"] }],
  remove: [{ ...summaryOf(regular), image: { period: "monthly 2027-02", id: "ami-1" } }],
  postponed: [],
  removals: [
    { point: regular.id, snapshotId: "ami-1", volumeId: "", image: true, outcome: "removed" },
    { point: regular.id, snapshotId: regular.snapshots[0]?.id ?? "", volumeId: "vol-1", outcome: "removed" },
  ],
};

test.each<[ImageReport, string]>([
  [
    { period: "monthly 2027-03", outcome: "made", image: "ami-0123456789abcdef0", point: image.id },
    `Image of monthly 2027-03: ami-0123456789abcdef0 is made its point is ${image.id}`,
  ],
  [
    { period: "monthly 2027-03", outcome: "there", image: "ami-2", point: "p2" },
    "ami-2 is there its point is p2",
  ],
  [{ period: "monthly 2027-03", outcome: "there", point: "p2" }, "its snapshot set is there its point is p2"],
  [{ period: "monthly 2027-03", outcome: "due" }, "a run now makes one, without a reboot"],
  [{ period: "monthly 2027-03", outcome: "not-made" }, "none was made in this run"],
  [{ outcome: "none" }, "Image: the job makes none any more"],
])("a run tells of the image: %o", (found, words) => {
  const text = shown((out) =>
    printReports([report({ points: [captured], image: { ...found, retention } })], out, {
      image: printImage,
    }),
  );
  expect(text.replace(/\s+/g, " ")).toContain(words);
  expect(text).toContain("Retention of images: last 1 (UTC)");
  expect(text.replace(/\s+/g, " ")).toContain("image ami-0123456789abcdef0; last 1");
  expect(text.replace(/\s+/g, " ")).toContain("image ami-1; no rule keeps it: ami-1 removed,");
});

test("points of images that go count as something done, and as given up", () => {
  const wrong = { severity: "error", kind: "denied", doing: "x", found: "y" } as const;
  const failed = report({ outcome: "failed", problems: [wrong] });
  expect(exitCodeOf([failed])).toBe(77);
  expect(exitCodeOf([{ ...failed, image: { outcome: "none", retention } }])).toBe(1);
  expect(forgotten([report({ image: { outcome: "none", retention } })], "vol-1", false)).toMatch(
    /^1 point kept/,
  );
});
