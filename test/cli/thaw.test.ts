import { describe, expect, test } from "vitest";
import { terminal } from "../../src/cli/terminal.ts";
import { printThaw, thawExitCode } from "../../src/cli/thaw.ts";
import type { LedgerReport } from "../../src/core/thaw-report.ts";

const none = { ledger: "/run/ec2-backup/guard-0123456789ab", mounts: [], notes: [] } as const;

function printed(...ledgers: readonly LedgerReport[]): string[] {
  let text = "";
  const out = terminal({ write: (more) => (text += more) }, false);
  printThaw({ ledgers }, out);
  return text.trimEnd().split("\n");
}

test("where nothing was left it says so", () => {
  expect(printed()).toEqual(["Nothing was frozen by us."]);
  expect(printed({ ...none, state: "earlier-boot" })).toEqual(["Nothing was frozen by us."]);
});

test("each mount and each note has a line, and what stays frozen cannot be overlooked", () => {
  const lines = printed({
    ...none,
    state: "failed",
    mounts: [
      { path: "/data", superblock: "7:0", outcome: "thawed" },
      { path: "/logs", superblock: "7:1", outcome: "was-not-frozen" },
      { path: "/old", superblock: "7:2", outcome: "gone" },
      { path: "/away", superblock: "7:4", outcome: "not-mounted" },
      { path: "/bad", superblock: "7:3", outcome: "failed", found: "Operation not permitted" },
    ],
    notes: [
      { kind: "mongodb", name: "mongodb main", outcome: "undone" },
      { kind: "mongodb", name: "mongodb other", outcome: "failed", found: "no answer" },
    ],
  });
  expect(lines).toEqual([
    "WHAT           OUTCOME                    WHY",
    "/data          thawed",
    "/logs          was not frozen",
    "/old           device is gone",
    "/away          NOT MOUNTED, STILL FROZEN",
    "/bad           STILL FROZEN               Operation not permitted",
    "mongodb main   undone",
    "mongodb other  FAILED                     no answer",
  ]);
});

test("a ledger that is in use or broken is told, with what to do", () => {
  const problem = {
    kind: "unexpected",
    doing: "read the ledger x",
    found: "it is not as it was written",
    remedy: "look",
  } as const;
  expect(printed({ ...none, state: "in-use" }, { ...none, state: "broken", problem })).toEqual([
    "cannot read the ledger x: it is not as it was written; look",
    "/run/ec2-backup/guard-0123456789ab is in use: its guard lives, and thaws at its deadline at the latest.",
  ]);
});

describe("the exit code", () => {
  test.each([
    [[], 0],
    [["done", "earlier-boot"], 0],
    [["done", "in-use"], 1],
    [["done", "failed"], 1],
    [["in-use"], 75],
    [["unmounted"], 75],
    [["in-use", "unmounted"], 75],
    [["unmounted", "done"], 1],
    [["unmounted", "failed"], 2],
    [["in-use", "failed"], 2],
    [["broken"], 2],
  ] as const)("of %j is %i", (states, code) => {
    expect(thawExitCode({ ledgers: states.map((state) => ({ ...none, state })) })).toBe(code);
  });
});
