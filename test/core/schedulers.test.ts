import { describe, expect, test } from "vitest";
import {
  cronLines,
  isDaemon,
  judgeSchedulers,
  type Scheduler,
  scriptRuns,
} from "../../src/core/schedulers.ts";

const unit = (change: Partial<Scheduler> = {}): Scheduler => ({
  kind: "timer",
  name: "nightly.timer",
  enabled: true,
  active: true,
  ...change,
});

const judged = (...schedulers: Scheduler[]) =>
  judgeSchedulers({ schedulers, cronRuns: true }, false).map(({ severity, command }) => [severity, command]);

describe("what starts backups", () => {
  test("is as it should be if exactly one does", () => {
    expect(judged(unit())).toEqual([]);
    expect(judged(unit(), unit({ name: "old.timer", enabled: false, active: false }))).toEqual([]);
    expect(judged(unit({ kind: "cron", name: "/etc/cron.d/x:1" }))).toEqual([]);
  });

  test("is nothing, and then install is proposed, which takes the daemon where the file has schedules", () => {
    expect(judged()).toEqual([["error", "ec2-backup install"]]);
    const [finding] = judgeSchedulers({ schedulers: [], cronRuns: true }, true);
    expect(finding?.command).toBe("ec2-backup install");
    expect(finding?.why).toContain("the daemon's to keep");
  });

  test("has failed", () => {
    expect(judged(unit({ active: false, state: "failed" }))).toEqual([
      ["error", "systemctl restart nightly.timer"],
    ]);
  });

  test("is there twice", () => {
    const line = unit({ kind: "cron", name: "/etc/cron.d/it's:3" });
    expect(judged(unit(), line)).toEqual([["warning", "sed -i '3s/^/# /' '/etc/cron.d/it'\\''s'"]]);
    expect(judged(unit(), unit({ name: "other.timer" }))).toEqual([
      ["warning", "systemctl disable --now other.timer"],
    ]);
  });
});

test.each([
  ["17 2 * * * root ec2-backup run", true],
  ["17 2 * * *\troot\t/usr/bin/ec2-backup --config /etc/x.yaml run --splay 45m", true],
  ["@daily root ec2-backup run nightly", true],
  ["*/5 * * * * root node /opt/ec2-backup.js run", true],
  ["# 17 2 * * * root ec2-backup run", false],
  ["17 2 * * * root ec2-backup list", false],
  ["17 2 * * * root my-ec2-backup-check run", false],
  ["PATH=/usr/bin:/ec2-backup run", false],
  ["17 2 * * * root ec2-backup doctor --json", false],
])("the line of cron %j starts backups: %s", (line, starts) => {
  expect(cronLines(`\n${line}\n`)).toEqual(starts ? [2] : []);
});

test("a script starts backups unless that is a comment", () => {
  expect(scriptRuns("#!/bin/sh\nexec ec2-backup run\n")).toBe(true);
  expect(scriptRuns("#!/bin/sh\n  # ec2-backup run\nec2-backup list\n")).toBe(false);
});

test("a daemon is told by its program and its word", () => {
  expect(isDaemon(["/usr/bin/node", "/usr/lib/ec2-backup.js", "--config", "x", "daemon"])).toBe(true);
  expect(isDaemon(["ec2-backup", "daemon"])).toBe(true);
  expect(isDaemon(["ec2-backup", "run"])).toBe(false);
  expect(isDaemon(["vi", "daemon", "x", "ec2-backup"])).toBe(false);
  expect(isDaemon([])).toBe(false);
});
