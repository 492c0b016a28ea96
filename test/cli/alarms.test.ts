import { describe, expect, it } from "vitest";
import { printDrilled } from "../../src/cli/alarm-results.ts";
import { printAlarmsPlan } from "../../src/cli/alarms.ts";
import * as helpTexts from "../../src/cli/help-texts.ts";
import { parse } from "../../src/cli/parse.ts";
import { addAlarms } from "../../src/cli/parse-alarms.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { FoundAlarm } from "../../src/core/alarm.ts";
import { costOf } from "../../src/core/alarm-cost.ts";
import { planAlarms } from "../../src/core/alarm-plan.ts";
import { defaultAlarmSettings } from "../../src/core/alarm-settings.ts";
import { alarmsFor } from "../../src/core/alarms.ts";
import { facts, jobOf } from "../core/alarm-life.ts";

const read = (line: string) => parse(line.split(" "), "1.2.3", { commands: { alarms: addAlarms } });

/** What a person with a terminal of so many columns reads. */
function shown(print: (out: ReturnType<typeof terminal>) => void, columns?: number): string {
  let text = "";
  const stdout = {
    write: (more: string) => {
      text += more;
    },
    ...(columns === undefined ? {} : { isTTY: true, columns }),
  };
  print(terminal(stdout, false));
  return text;
}

describe("the words of alarms", () => {
  it.each([
    ["alarms plan", { action: "plan" }],
    ["alarms apply", { action: "apply", dryRun: false }],
    ["alarms apply --dry-run", { action: "apply", dryRun: true }],
    ["alarms remove --dry-run", { action: "remove", dryRun: true }],
    ["alarms test --wait 2m", { action: "test", waitFor: 120_000 }],
    ["alarms pause --on-power-off", { action: "pause", onPowerOff: true }],
    ["alarms resume", { action: "resume" }],
    ["alarms beat nightly", { action: "beat", jobs: ["nightly"] }],
    ["alarms dashboard --fleet", { action: "dashboard", fleet: true, dryRun: false }],
  ])("%s", (line, command) => {
    expect(read(`--json ${line}`)).toMatchObject({
      kind: "command",
      command: { name: "alarms", ...command },
      global: { json: true },
    });
  });

  it("are refused if they are others, and shown with examples", () => {
    for (const line of ["alarms", "alarms frobnicate", "alarms test --wait soon"]) {
      expect(read(line).kind).toBe("usage");
    }
    const help = read("alarms --help");
    expect(help.kind === "text" && help.text).toMatch(/ec2-backup alarms plan .*what is, what should be/);
    const whole = parse(["--help"], "1.2.3", { help: helpTexts });
    expect(whole.kind === "text" && whole.text).toContain("alarms");
  });
});

describe("a printed plan", () => {
  const now = new Date("2027-03-01T11:20:00Z");
  const topic = "arn:aws:sns:eu-central-1:111122223333:backup";
  const given = facts(jobOf("0 2 * * *"), now);
  const { alarms, unmade } = alarmsFor({ ...given, topic });
  const [missed] = alarms;
  const found = {
    ...missed,
    statistic: "Maximum",
    comparison: "GreaterThanThreshold",
    alarmActions: [topic],
    okActions: [topic],
    insufficientDataActions: [],
    threshold: 7,
    actionsEnabled: false,
    state: "ALARM",
    since: "2027-03-01T09:00:00.000Z",
  } as unknown as FoundAlarm;
  const plan = {
    instance: given.instance.id,
    changes: planAlarms(alarms, [found], () => ({ kind: "at-once" })),
    unmade,
    beats: [],
    notes: [],
    cost: costOf(given.jobs, given.metrics, 1, alarms.length, defaultAlarmSettings.prices),
  };

  it("says what rings when, what changes, what is lacking, who is told and what it costs", () => {
    const text = shown((out) => printAlarmsPlan(plan, out));
    expect(text).toContain("SecondsSinceLastBackup > 26h or no word of it");
    expect(text).toContain("30 h 2 min");
    expect(text).toMatch(/default\/missed +30 h 2 min +ALARM +update\n/);
    expect(text).toContain("    ALARM since 2027-03-01 09:00:00Z\n    actions disabled: it tells nobody");
    expect(text).toContain("    threshold: 7 -> 93600\n");
    expect(text).toContain("no default/slow: 0 of at least 5 runs are known");
    expect(text).toContain("Nobody is told: set alarms.topic");
    expect(text).toMatch(/6 metrics \$1\.80 \+ 2 alarms \$0\.20 = \$2\.00 \(prices of 2026-09/);
  });

  it("fits the terminal", () => {
    const lines = shown((out) => printAlarmsPlan(plan, out), 80).split("\n");
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("names each fault of the topic and each address that has not confirmed", () => {
    const findings = [
      { severity: "error", what: "no way", why: "nobody hears", advice: "find one", command: "aws sns x" },
    ] as const;
    const subscriptions = [{ protocol: "email", endpoint: "ops@example.com", confirmed: false }];
    const told = {
      arn: topic,
      action: "keep",
      subscriptions,
      subscribe: ["b@example.com"],
      findings,
    } as const;
    const text = shown((out) => printAlarmsPlan({ ...plan, topic: told }, out));
    expect(text).toContain("email ops@example.com - not confirmed yet");
    expect(text).toContain("email b@example.com - to be subscribed");
    expect(text).toContain("error: no way: nobody hears\n  find one\n  $ aws sns x");
  });
});

it("a test of alarms says of each whether it told, and what it did", () => {
  const summary = "Failed to execute action arn:aws:sns:eu-central-1:111122223333:backup";
  const actions = [{ at: "2027-03-01T09:00:00.000Z", summary, succeeded: false }];
  const drilled = [{ alarm: "a/b", states: ["ALARM", "OK"], actions, told: false, why: "0 of 2 actions" }];
  const text = shown((out) => printDrilled(drilled, undefined, out));
  expect(text).toContain("not told a/b (ALARM, OK)\n  0 of 2 actions\n  2027-03-01T09:00:00.000Z Failed");
  expect(shown((out) => printDrilled([], undefined, out))).toContain("alarms apply");
});
