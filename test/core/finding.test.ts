import { expect, test } from "vitest";
import { exitCodeOfFindings, type Finding, shellWord } from "../../src/core/finding.ts";
import { actionIn, grantCommand, roleIn, statementOf } from "../../src/core/grant.ts";
import { judgeClock, judgeCredentials } from "../../src/core/session-facts.ts";

const of = (severity: Finding["severity"], kind?: Finding["kind"]): Finding => ({
  severity,
  what: "",
  why: "",
  command: "",
  ...(kind === undefined ? {} : { kind }),
});

test.each<[readonly Finding[], number]>([
  [[], 0],
  [[of("note")], 0],
  [[of("warning"), of("note")], 1],
  [[of("error", "denied"), of("warning")], 77],
  [[of("error", "denied"), of("error", "denied")], 77],
  [[of("error", "denied"), of("error", "configuration")], 2],
  [[of("error", "unreachable"), of("error", "throttled")], 69],
  [[of("error", "cannot-write")], 73],
  [[of("error")], 2],
  [[of("error", "configuration"), of("error")], 2],
])("the exit code of %j is %d", (findings, code) => {
  expect(exitCodeOfFindings(findings)).toBe(code);
});

test("words of a command line are quoted where a shell would read them otherwise", () => {
  expect(shellWord("/var/lib/ec2-backup")).toBe("/var/lib/ec2-backup");
  expect(shellWord("a b")).toBe("'a b'");
  expect(shellWord("$(id)'x")).toBe("'$(id)'\\''x'");
  expect(shellWord("")).toBe("''");
});

test("what AWS says of a refusal names the role and the action", () => {
  const said =
    "User: arn:aws:sts::111122223333:assumed-role/backup.role/i-1 is not authorized to perform: ec2:CreateTags on resource: x";
  expect([roleIn(said), actionIn(said)]).toEqual(["backup.role", "ec2:CreateTags"]);
  expect([roleIn("nothing"), actionIn("nothing")]).toEqual([undefined, undefined]);
  expect(roleIn("arn:aws:sts::1:assumed-role/$(reboot)/i-1")).toBeUndefined();
  expect(grantCommand(statementOf("ec2:DeleteSnapshot"))).toMatch(/--role-name ROLE .*"Allow"/);
});

test.each([
  [-1, "error"],
  [4 * 60_000, "error"],
  [6 * 60_000, undefined],
])("credentials with %d ms left are %s", (left, severity) => {
  const found = judgeCredentials({ accessKeyId: "ASIA", temporary: true, left });
  expect(found.map((one) => one.severity)).toEqual(severity === undefined ? [] : [severity]);
});

test.each([
  [0, undefined],
  [59_000, undefined],
  [-61_000, "warning"],
  [299_000, "warning"],
  [-300_000, "error"],
  [7_200_000, "error"],
])("a clock that is %d ms ahead is %s", (ahead, severity) => {
  const found = judgeClock(ahead);
  expect(found.map((one) => one.severity)).toEqual(severity === undefined ? [] : [severity]);
  if (found[0] !== undefined) expect(found[0].what).toMatch(ahead > 0 ? /ahead of/ : /behind/);
});
