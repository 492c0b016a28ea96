import { expect, test } from "vitest";
import { printRepositories, printUpkeep } from "../../src/cli/repository.ts";
import { type Terminal, terminal } from "../../src/cli/terminal.ts";
import { printUpkeepStatus } from "../../src/cli/upkeep-status.ts";
import type { UpkeepReport } from "../../src/core/upkeep.ts";

function printed(print: (out: Terminal) => void): string {
  let text = "";
  print(terminal({ write: (more: string) => (text += more), isTTY: true, columns: 80 }, false));
  return text;
}

test("status says what to do about upkeep that is overdue, and nothing where none is", () => {
  const check = { repository: "central", kind: "check", promised: 7 * 86_400, failing: [] } as const;
  const late = printed((out) => printUpkeepStatus([{ ...check, overdue: true }], out));
  expect(late).toMatch(/central +check +never +7 d +OVERDUE\n/);
  expect(late).toContain("Overdue: ec2-backup repository check central\n");
  const fresh = printed((out) => printUpkeepStatus([{ ...check, ageSeconds: 60, overdue: false }], out));
  expect(fresh).not.toContain("ec2-backup repository");
});

test("upkeep that was not done is called so", () => {
  const at = "2027-03-20T07:00:00.000Z";
  const listed = {
    ...{ repository: "central", url: "/srv/restic", appendOnly: false, series: [], foreign: 0, locks: [] },
    upkeep: [{ kind: "check", last: { at, outcome: "not-done", found: "no answer" } }],
  } as const;
  const text = printed((out) => printRepositories([listed], new Date("2027-03-20T07:05:00Z"), out));
  expect(text).toMatch(/NOT DONE 5 min ago: no\s+answer/);
});

test("a dry run of prune says what it would do, though not how much", () => {
  const times = {
    started: "2027-03-20T07:00:00.000Z",
    finished: "2027-03-20T07:00:01.000Z",
    elapsedMs: 1_000,
  };
  const report: UpkeepReport = {
    ...{ version: 1, run: "r", action: "prune", repository: "central", trigger: "manual", host: "build" },
    ...times,
    ...{ planned: true, outcome: "done", prune: { series: [] }, problems: [] },
  };
  const text = printed((out) => printUpkeep([report], out));
  expect(text).toContain("room     of what is forgotten would be given back");
  expect(text).toContain("Nothing has been done: leave out --dry-run\n");
});
