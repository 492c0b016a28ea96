import { expect, test } from "vitest";
import { printDrills } from "../../src/cli/drill.ts";
import { printMachine } from "../../src/cli/restore-instance.ts";
import { terminal } from "../../src/cli/terminal.ts";
import { type DrillReport, problemsOf } from "../../src/core/drill-report.ts";
import type { MachineResult } from "../../src/core/machine-result.ts";

function printed(print: (out: ReturnType<typeof terminal>) => void): string {
  let text = "";
  const stdout = {
    isTTY: true,
    columns: 80,
    write: (line: string) => {
      text += line;
    },
  };
  print(terminal(stdout, false));
  return text;
}

/** Words that lines were broken between. */
const joined = (text: string): string => text.replace(/\s+(\\\s+)?/g, " ");

test("a check of a drill that was not done is told with its reason, and never as a good end", () => {
  const detail =
    "no filesystem and nothing else that is known is there; if that is as it should be, name the volume in drill.weekly.checks.raw";
  const checks = [
    { check: "mount", on: "ext4 on vol-1", outcome: "passed", ms: 1 },
    { check: "mount", on: "vol-2", outcome: "not-done", detail, ms: 1 },
  ] as const;
  const report = {
    ...{
      drill: "weekly",
      subject: { id: "i-1" },
      job: "default",
      volumes: [],
      sizeGiB: 2,
      left: [],
      notes: [],
    },
    ...{ outcome: "not-done", planned: false, elapsedMs: 1, checks, problems: problemsOf(checks, "p1") },
  } as unknown as DrillReport;
  const text = printed((out) => printDrills({ reports: [report], removed: [] }, out));
  expect(joined(text)).toContain(`vol-2: NOT DONE, ${detail}`);
  expect(text).toContain("NOT DONE: the point was not looked at to the end");
  expect(text).not.toContain("VERIFIED");
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

test("an image that may be there still is told with the command that takes it away", () => {
  const result: MachineResult = {
    id: "instance-0123456789abcdef",
    outcome: "done",
    left: { kind: "denied", doing: "look for the image", found: "EC2 answered UnauthorizedOperation" },
    notes: [],
  };
  const text = joined(printed((out) => printMachine(result, "p1", out)));
  expect(text).toContain("it may be there still: cannot look for the image: EC2 answered");
  expect(text).toContain("ec2-backup restore instance --undo --restore instance-0123456789abcdef --yes");
});
