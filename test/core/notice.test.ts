import { describe, expect, test } from "vitest";
import { noticeOf } from "../../src/core/notice.ts";
import type { Problem, RunReport } from "../../src/core/report.ts";
import { captured, problem, report } from "./reports.ts";

const instance = { id: "i-1", arn: "arn:aws:ec2:eu-central-1:1:instance/i-1", name: "web-1" };
const lastGood = { captured: "2027-03-26T22:00:00.000Z", bytes: 12 * 1024 ** 3 };
const denied: Problem = {
  severity: "error",
  kind: "denied",
  doing: "capture 3 volumes",
  found: "AWS answered UnauthorizedOperation (403): You are not authorized",
  remedy: "allow the action in the policy of the instance's role",
};
const failed = report({ instance, job: "nightly", outcome: "failed", problems: [denied] });
const facts = { version: "1.2.3", lastGood };

describe("the message about a run that failed", () => {
  test("says what failed, why, what to do, and what there is to fall back on", () => {
    expect(noticeOf(failed, facts)).toEqual({
      subject: "Backup FAILED: web-1 (i-1), job nightly",
      text: `The backup of web-1 (i-1) was NOT made.

Job:       nightly (schedule)
Ended:     2027-03-28 01:00:02 UTC, after 3 s
Made:      no recovery point
Last good: 2027-03-26 22:00:00 UTC, 27 h 0 min before that (12.0 GiB), as this host last saw it

What went wrong:
  1. cannot capture 3 volumes: AWS answered UnauthorizedOperation (403): You are not authorized
     To do: allow the action in the policy of the instance's role

On the instance, as root:
  ec2-backup status          what this host knows of its backups
  ec2-backup plan nightly    what a run would do, and what stands in its way
  ec2-backup run nightly     tries again now
While no new point can be made, no complete one is removed.

Instance arn:aws:ec2:eu-central-1:1:instance/i-1
Run run-1, ec2-backup-agent 1.2.3
`,
    });
  });

  test.each<[string, Partial<RunReport>, object, string]>([
    ["nothing was ever seen", {}, {}, "NONE IS KNOWN on this host"],
    ["none is listed", { series: { complete: 0 } }, { lastGood }, "NONE: no complete point is listed"],
    [
      "its size is not told",
      { series: { complete: 1, newestComplete: { ...lastGood, bytes: 0, ageSeconds: 0 } } },
      {},
      "2027-03-26 22:00:00 UTC, 27 h 0 min before that (size unknown)\n",
    ],
    [
      "EC2 lists one",
      { series: { complete: 1, newestComplete: { ...lastGood, bytes: 1024 ** 3, ageSeconds: 0 } } },
      {},
      "2027-03-26 22:00:00 UTC, 27 h 0 min before that (1.0 GiB)\n",
    ],
  ])("says of the last good backup, where %s, what is known", (_, more, known, words) => {
    const { text } = noticeOf({ ...failed, ...more }, { version: "1", ...known });
    expect(text).toContain(`Last good: ${words}`);
  });

  test("says that the instance does not even know itself", () => {
    const { instance: _, ...unknown } = failed;
    const { subject, text } = noticeOf(unknown, facts);
    expect(subject).toBe("Backup FAILED: an instance that does not know itself, job nightly");
    expect(text).toContain("Instance unknown\n");
  });
});

test("a run that made a point and has something to complain of is not called a failure, nor a success", () => {
  const degraded = report({ instance, outcome: "degraded", points: [captured], problems: [denied] });
  const { subject, text } = noticeOf(degraded, facts);
  expect(subject).toBe("Backup made, but not as it should be: web-1 (i-1), job default");
  expect(text).toContain("was made, but something is wrong.");
  expect(text).toContain("Made:      point p, pending, 1 snapshot(s), crash-consistent");
  expect(text).not.toContain("no complete one is removed");
});

test("a good run tells no one what to do", () => {
  const { subject, text } = noticeOf(report({ instance, points: [captured] }), facts);
  expect(subject).toBe("Backup done: web-1 (i-1), job default");
  expect(text).not.toMatch(/wrong|root/);
});

test("a run that was kept out says by whom and claims no failure of the other", () => {
  const skipped = report({ instance, outcome: "skipped", problems: [problem("locked")] });
  const { subject, text } = noticeOf(skipped, facts);
  expect(subject).toMatch(/^Backup SKIPPED: /);
  expect(text).toContain("another run of the job was still at work");
});

test("warnings are told apart from errors, and notices not at all", () => {
  const all = [denied, problem("refused", "warning"), problem("not-found", "notice")];
  const { text } = noticeOf({ ...failed, problems: all }, facts);
  expect(text).toContain("Also noticed:\n  1. back up: it was refused");
  expect(text).not.toContain("not-found");
});

test("what only a program could read of EC2's answer is left out", () => {
  const found = "AWS answered X (403): not authorized. Encoded authorization failure message: aGVs-bG8_d29y";
  const { text } = noticeOf({ ...failed, problems: [{ ...denied, found }] }, facts);
  expect(text).toContain("(403): not authorized.\n");
});

test("the subject is one line of fewer than 100 ASCII characters, whatever the names are", () => {
  const names = ["Größe-Zürich-✓", "日本語のサーバー", "a\nb\r\tc", "x".repeat(300), "\u001b[31m"];
  for (const name of names) {
    const { subject } = noticeOf({ ...failed, instance: { ...instance, name } }, facts);
    expect(subject).toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
  }
  const { subject } = noticeOf({ ...failed, instance: { ...instance, name: "Größe" } }, facts);
  expect(subject).toBe("Backup FAILED: Gro?e (i-1), job nightly");
});

test("the text cannot be made long or hostile by what others answered", () => {
  const flood = Array.from({ length: 500 }, (_, index) => ({
    ...denied,
    found: `${index} ${"answer\nline\u001b[2J ".repeat(500)}`,
  }));
  const { text } = noticeOf({ ...failed, problems: flood }, facts);
  expect(text.length).toBeLessThan(10_000);
  expect(text).toContain("  and 490 more; see the report");
  expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  expect(text.split("\n").filter((line) => line.startsWith("line"))).toEqual([]);
});
