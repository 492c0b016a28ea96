import { describe, expect, test } from "vitest";
import { printStatus } from "../../src/cli/status.ts";
import { terminal } from "../../src/cli/terminal.ts";
import { judgeJob, type KnownJob, type Status } from "../../src/core/status.ts";
import { at, earlier, hour } from "../core/points.ts";
import { problem, report } from "../core/reports.ts";

const now = at("2027-03-20T07:30");
const nightly = { schedule: "0 2 * * *", timezone: "UTC", splay: 0 };
const newest = { captured: earlier(now, 5 * hour).toISOString(), bytes: 5 };
const seen = [{ volume: "vol-1", device: "/dev/sdf", newest: newest.captured }];

function statusOf(wish: Partial<Status> = {}, known: Partial<KnownJob> = {}): Status {
  const job = judgeJob({ job: "default", newest, volumes: seen, ...known }, nightly, "i-1", now);
  const facts = {
    instance: "i-1",
    from: "host",
    asOf: now.toISOString(),
    unreadable: [],
    notes: [],
  } as const;
  return { ...facts, protection: "protected", jobs: [job], ...wish };
}

function printed(status: Status, columns?: number): string {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  printStatus(status, terminal({ write, ...(columns && { isTTY: true, columns }) }, false));
  return text;
}

describe("status on paper", () => {
  test("says that the host's clock is behind where a point is in the future, and no negative age", () => {
    const captured = earlier(now, -41 * 24 * hour).toISOString();
    const volumes = [{ volume: "vol-1", device: "/dev/sdf", newest: captured }];
    const text = printed(statusOf({}, { newest: { captured, bytes: 5 }, volumes }));
    expect(text).toContain(
      "default: the newest point is of 41 d from now: this host's clock is behind AWS's\n",
    );
    expect(text).toMatch(/default +never +in the future, 5 B/);
    expect(text).toMatch(/vol-1 +\/dev\/sdf +default +in the future +26 h 0 min +ok\n/);
    expect(text).not.toMatch(/-\d+ s/);
  });

  test("takes a point of a few seconds ahead for one of now", () => {
    const captured = earlier(now, -5_000).toISOString();
    const text = printed(statusOf({}, { newest: { captured, bytes: 5 } }));
    expect(text).toContain("0 s ago");
    expect(text).not.toContain("clock is behind");
  });

  test("prints no escape of what stands in the state", () => {
    const wicked = "\u001b]0;owned\u0007\u001b[2J\n\u202e";
    const alarms = {
      asOf: now.toISOString(),
      alarms: [{ name: wicked, state: "ALARM", actionsEnabled: true }],
    };
    const failed = report({ outcome: "failed", problems: [{ ...problem("denied"), found: wicked }] });
    const volumes = [{ volume: wicked, device: wicked }];
    const running = { run: wicked, since: `2027${wicked}` };
    const known = { job: wicked, report: failed, alarms, volumes, running };
    const text = printed(statusOf({ notes: [wicked], unreadable: [wicked] }, known));
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{C}/u);
    expect(text).toContain("\\u{1b}[2J");
  });

  test.each([80, 60])("has lines of %i columns and colour on nobody's words", (width) => {
    const long = `AWS answered UnauthorizedOperation (403): ${"it is not authorized ".repeat(20)}`;
    const failed = report({ outcome: "failed", problems: [{ ...problem("denied"), found: long }] });
    const text = printed(statusOf({ notes: [long] }, { report: failed }), width);
    const spoken = text.split("\n").filter((line) => /authorized/.test(line));
    expect(spoken.length).toBeGreaterThan(8);
    expect(spoken.filter((line) => line.length > width)).toEqual([]);
    expect(text.replace(/\s+/g, " ")).toContain(`default: back up: ${long.trim()}`);
  });

  test("says how to have alarms where none are seen", () => {
    const text = printed(statusOf({}, { alarms: { asOf: now.toISOString(), alarms: [] } }));
    expect(text).toContain("default: alarms as of 2027-03-20 07:30:00Z: none: ec2-backup alarms plan\n");
  });

  test("names what makes the first run, and what looks for what hinders it", () => {
    const jobs = [judgeJob({ job: "default" }, nightly, "i-1", now)];
    const text = printed(statusOf({ protection: "never run", jobs }));
    expect(text).toContain("i-1: configured, but no run has been recorded here");
    expect(text).toMatch(/ec2-backup run\n.*ec2-backup doctor\n/);
    expect(text).toMatch(/default +never/);
  });

  test("says which tag leaves the instance out, and no next run", () => {
    const jobs = [judgeJob({ job: "default", newest, volumes: seen }, undefined, "i-1", now)];
    const text = printed(statusOf({ protection: "left out", leftOutBy: "Backup=no", from: "aws", jobs }));
    expect(text).toMatch(/^i-1: left out of all backups by its tag Backup=no, as AWS has it/);
    expect(text).toMatch(/^default .* none$/m);
    expect(text).not.toContain("alarms");
  });
});
