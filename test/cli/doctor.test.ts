import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { commandLines, doctorJson, printDoctor } from "../../src/cli/doctor.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { CheckReport, Finding } from "../../src/core/finding.ts";
import { grantCommand, statementOf } from "../../src/core/grant.ts";

const finding = (change: Partial<Finding> = {}): Finding => ({
  severity: "error",
  what: "AWS refuses ec2:CreateSnapshots",
  why: "every run of this job ends with exit code 77 and makes no backup",
  command: "ec2-backup plan",
  ...change,
});

const report = (check: string, findings: readonly Finding[], untested = {}): CheckReport => ({
  check,
  about: `about ${check}`,
  ms: 12,
  findings,
  ...untested,
});

function printed(reports: readonly CheckReport[], columns?: number): string[] {
  let text = "";
  const stdout = {
    write: (more: string) => {
      text += more;
    },
    ...(columns === undefined ? {} : { isTTY: true, columns }),
  };
  printDoctor(reports, terminal(stdout, false));
  return text.trimEnd().split("\n");
}

const grant = grantCommand(statementOf("ec2:CreateTags (after the capture)"), "backup-role");
const long = "this is what was found, which needs some more words than a line of a terminal can hold ".repeat(
  3,
);

describe("what doctor prints", () => {
  test("is one line where nothing is found", () => {
    expect(printed([report("clock", []), report("space", [])])).toEqual(["Nothing found in 2 checks."]);
  });

  test("says what could not be tested, and why", () => {
    const untested = { untested: [{ what: "ec2:DeleteSnapshot", because: "there is no point yet" }] };
    expect(printed([report("retention", [], untested), report("keys", [], untested)])).toEqual([
      "Not testable: ec2:DeleteSnapshot (there is no point yet).",
      "Nothing found in 2 checks.",
    ]);
  });

  test("has the worst first, and a sum", () => {
    const lines = printed([
      report("one", [finding({ severity: "note", what: "a note" })]),
      report("two", [finding({ severity: "warning", what: "a warning", advice: "do this" })]),
      report("three", [finding(), finding({ what: "another" })]),
    ]);
    expect(lines.filter((line) => /^\w/.test(line))).toEqual([
      "error three: AWS refuses ec2:CreateSnapshots",
      "error three: another",
      "warning two: a warning",
      "note one: a note",
      "2 errors, 1 warning, 1 note in 3 checks.",
    ]);
    expect(lines).toContain("    do:  do this");
    expect(lines).toContain("    $ ec2-backup plan");
  });

  test.each([80, 100, 60])("fits %d columns", (columns) => {
    const lines = printed(
      [report("capture", [finding({ what: long, advice: long, command: grant })]), report("clock", [])],
      columns,
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.length).toBeGreaterThan(8);
  });

  test("cannot be moved about by what tags and servers say", () => {
    const lines = printed([report("x", [finding({ what: "a\u001b[2Jb\u202ec", command: "ls\u001b]0;x" })])]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(lines.join("\n")).not.toMatch(/[\u001b\u202e]/);
  });

  test("has commands that a shell takes as they were, however they are broken into lines", () => {
    const command = grant.replace(/^aws/, "printf '%s\\0'");
    const wide = execFileSync("sh", ["-c", command], { encoding: "utf8" }).split("\0");
    const broken = commandLines(command, 60);
    expect(broken.length).toBeGreaterThan(4);
    const narrow = execFileSync("sh", ["-c", broken.join("\n  ")], { encoding: "utf8" }).split("\0");
    const meaning = (words: readonly string[]) =>
      words.map((word) => (word.startsWith("{") ? (JSON.parse(word) as unknown) : word));
    expect(meaning(narrow)).toEqual(meaning(wide));
    expect(meaning(wide).at(-2)).toMatchObject({ Version: "2012-10-17" });
  });
});

test("doctor --json has every finding, what could not be tested, and each check", () => {
  const untested = { untested: [{ what: "x", because: "y" }] };
  expect(doctorJson([report("one", [], untested), report("two", [finding()])])).toEqual({
    findings: [{ check: "two", ...finding() }],
    untested: [{ check: "one", what: "x", because: "y" }],
    checks: [
      { check: "one", about: "about one", ms: 12, findings: 0, untested: 1 },
      { check: "two", about: "about two", ms: 12, findings: 1, untested: 0 },
    ],
  });
});
