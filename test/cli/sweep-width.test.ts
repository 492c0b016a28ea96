import { expect, test } from "vitest";
import { printAdopt } from "../../src/cli/adopt.ts";
import { printFleet } from "../../src/cli/fleet-alarms.ts";
import { printSweep } from "../../src/cli/sweep.ts";
import { type Terminal, terminal } from "../../src/cli/terminal.ts";
import type { AdoptReport } from "../../src/core/adopt-report.ts";
import { fleetAlarm, planFleetAlarm } from "../../src/core/fleet-alarm.ts";
import type { FleetReport } from "../../src/core/fleet-report.ts";
import type { SweepReport } from "../../src/core/sweep-report.ts";

const account = "111122223333";
const region = "ap-southeast-2";
const unit = {
  id: `${account}/${region}`,
  account,
  region,
  name: "the shop of the northern branch and its warehouse",
};
const instance = "i-0123456789abcdef0";
const series = `arn:aws:ec2:${region}:${account}:instance/${instance}/default`;
const long = `${"a reason that goes on ".repeat(9)}and ends`;
const failure = { kind: "denied", doing: `look into ${unit.id}`, found: long, remedy: long } as const;
const arn = (name: string) => `arn:aws:sns:${region}:${account}:${name}`;

function linesOf(print: (out: Terminal) => void): string[] {
  const lines: string[] = [];
  const stdout = {
    write: (text: string) => lines.push(...text.replace(/\n$/, "").split("\n")),
    isTTY: true,
    columns: 80,
  };
  print(terminal(stdout, false));
  return lines;
}

/** What is copied stands whole: a command, or a name that fills a line by itself. */
const tooWide = (lines: readonly string[]) =>
  lines.filter((line) => line.length > 80 && !/^ *\$ /.test(line) && /\S +\S/.test(line));

const detail = {
  series,
  points: 120,
  kept: 100,
  removed: Array(20).fill("p"),
  marked: ["m"],
  unmarked: ["u"],
  waiting: 3,
  postponed: 60,
  held: 2,
  silent: 0,
  expired: 4,
};
const alarms = { found: 9, removed: ["a"], muted: ["b"], woken: ["c"], disabled: ["d"] };
const swept = {
  run: "r",
  dryRun: true,
  units: [
    {
      unit,
      outcome: "interrupted",
      ms: 754_321,
      prune: {
        asOf: "",
        series: 12_345,
        points: 123_456,
        snapshots: 200_000,
        removedSnapshots: 1,
        details: [detail],
      },
      alarms,
      stops: { started: [instance], cleared: [instance], left: [instance], down: [instance, instance] },
      create: {
        asOf: "",
        instances: 5_000,
        captured: [
          {
            instance,
            name: "web",
            job: "default",
            last: "2026-11-20T02:00:00Z",
            outcome: "created",
            notStopped: long,
          },
        ],
      },
      problems: [{ ...failure, severity: "error" }],
    },
  ],
} as unknown as SweepReport;

test("a sweep fits a terminal of 80 columns, whatever its accounts are called", () => {
  const lines = linesOf((out) => printSweep(swept, out));
  expect(tooWide(lines)).toEqual([]);
  for (const words of [unit.id, "interrupted", unit.name, "12345", "123456", series])
    expect(lines.join(" ").replace(/ +/g, " ")).toContain(words);
});

test("the alarms of a fleet fit a terminal of 80 columns", () => {
  const wanted = fleetAlarm({ unit, namespace: "EC2Backup", topic: arn("ops") });
  const found = {
    ...wanted,
    arn: "",
    statistic: "Maximum",
    comparison: "GreaterThanThreshold",
    alarmActions: [arn("somebody-else-who-was-told-until-now"), arn("and-another-one")],
    okActions: [],
    insufficientDataActions: [],
    actionsEnabled: true,
    state: "OK",
    reason: "",
  } as const;
  const topic = {
    arn: arn("ops"),
    action: "create",
    subscriptions: [{ protocol: "email", endpoint: "operations@subsidiary.example.com", confirmed: false }],
    subscribe: [],
    findings: [{ severity: "error", what: long, why: long, advice: long, command: `aws ${long}` }],
  };
  const changes = [planFleetAlarm(wanted, [found])];
  const done = [
    {
      what: wanted.name,
      outcome: "updated",
      detail: "alarmActions, okActions, dimensions, period, description",
    },
    { what: arn("ops"), outcome: "failed", failure },
    { what: "operations@subsidiary.example.com", outcome: "subscribed", detail: long },
  ];
  const beside = [`ec2-backup/${instance}/default/missed`];
  const report = {
    run: "r",
    verb: "apply",
    dryRun: false,
    prices: { asOf: "2026-09", alarm: 0.1, metric: 0.3 },
    units: [
      { unit, outcome: "done", ms: 1, result: { changes, topic, beside, done } },
      { unit, outcome: "done", ms: 1, result: { changes, beside: [], done: [] } },
      { unit, outcome: "denied", ms: 1, failure },
    ],
  } as unknown as FleetReport;
  const lines = linesOf((out) => printFleet(report, out));
  expect(tooWide(lines)).toEqual([]);
  expect(lines.join("\n")).toContain(arn("and-another-one"));
});

test("what is taken over fits a terminal of 80 columns", () => {
  const adoption = {
    snapshot: "snap-0123456789abcdef0",
    volume: "vol-0123456789abcdef0",
    captured: new Date("2026-11-20T02:00:00Z"),
    policy: "last=3 daily=7 weekly=4 monthly=12 yearly=3 min=3 zone=Europe/Berlin",
    tags: {},
  };
  const left = [{ snapshot: adoption.snapshot, because: long }];
  const report = {
    run: "r",
    from: "dlm",
    written: false,
    units: [
      {
        unit,
        outcome: "done",
        ms: 1,
        result: { plan: { adopt: [adoption], left }, adopted: [], problems: [failure] },
      },
      { unit, outcome: "denied", ms: 1, failure },
    ],
  } as unknown as AdoptReport;
  const lines = linesOf((out) => printAdopt(report, out));
  expect(tooWide(lines)).toEqual([]);
  expect(lines.join(" ")).toContain(adoption.snapshot);
});
