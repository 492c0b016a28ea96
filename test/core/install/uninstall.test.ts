import { expect, test } from "vitest";
import { planUninstall, type UninstallFacts } from "../../../src/core/install/uninstall.ts";
import { schedulerAt } from "./facts.ts";

const script = "/etc/cron.daily/ec2-backup";
const unit = (name: string): string => `/etc/systemd/system/${name}`;
const facts: UninstallFacts = {
  isRoot: true,
  units: ["ec2-backup-run.service", "ec2-backup-run.timer"],
  schedulers: [schedulerAt("ec2-backup-run.timer")],
  files: {
    [script]: { text: "", by: "intact" },
    [unit("ec2-backup-run.timer")]: { text: "", by: "intact" },
    [unit("ec2-backup.service")]: { text: "", by: "changed" },
  },
  stamps: [],
  directories: [
    { path: "/var/cache/ec2-backup", what: "cache", isLink: false },
    { path: "/etc/ec2-backup", what: "configuration", isLink: false },
    { path: "/var/lib/ec2-backup", what: "state", isLink: false },
  ],
};
const short = (of: UninstallFacts, purge = false): string[] =>
  planUninstall(of, purge).steps.map((step) =>
    [step.do, "path" in step ? step.path : "unit" in step ? step.unit : ""].join(" ").trim(),
  );

test("nothing starts a run before anything goes, and all is thawed before what can thaw is gone", () => {
  expect(short(facts)).toEqual([
    `remove ${script}`,
    "disable ec2-backup-run.timer",
    "disable ec2-backup-run.service",
    "thaw",
    `remove ${unit("ec2-backup-run.timer")}`,
    "reload",
    "end-switch",
    "remove-directory /var/cache/ec2-backup",
  ]);
});

test("what somebody changed, configuration and state stay and are named; only these two go with --purge", () => {
  const named = (purge: boolean) => planUninstall(facts, purge).left.map(({ path }) => path);
  expect(named(false)).toEqual([unit("ec2-backup.service"), "/etc/ec2-backup", "/var/lib/ec2-backup"]);
  expect(named(true)).toEqual([unit("ec2-backup.service")]);
  expect(short(facts, true).slice(-3)).toEqual([
    "remove-directory /var/cache/ec2-backup",
    "remove-directory /etc/ec2-backup",
    "remove-directory /var/lib/ec2-backup",
  ]);
});

test("a scheduler that install did not make stays, and it is said that it will fail", () => {
  const schedulers = [schedulerAt("/etc/cron.d/backup:3"), schedulerAt("nightly.timer"), schedulerAt(script)];
  const { left } = planUninstall({ ...facts, files: {}, schedulers }, true);
  expect(left.map(({ path }) => path)).toEqual(["/etc/cron.d/backup:3", "nightly.timer"]);
  expect(left[0]?.because).toContain("it will fail once the program is gone");
});

test("the alarm that will go off is told before, unless there are no alarms", () => {
  const told = (alarms?: boolean) =>
    planUninstall({ ...facts, ...(alarms === undefined ? {} : { alarms }) }, false).warnings.map(
      ({ command }) => command,
    );
  expect(told()).toEqual([undefined, "ec2-backup alarms remove"]);
  expect(told(true)).toEqual([undefined, "ec2-backup alarms remove"]);
  expect(told(false)).toEqual([undefined]);
});

test("nothing goes as a whole that is elsewhere than usual, or a link", () => {
  const odd: UninstallFacts = {
    ...facts,
    directories: [
      { path: "/srv/cache/ec2-backup", what: "cache", isLink: false },
      { path: "/etc/ec2-backup", what: "configuration", isLink: true },
      { path: "/var/lib/ec2-backup", what: "state", isLink: false },
      { path: "/srv/data", what: "state", isLink: false },
      // A place of ours, but for something else.
      { path: "/etc/ec2-backup", what: "state", isLink: false },
    ],
  };
  const gone = (purge: boolean) => short(odd, purge).filter((step) => step.startsWith("remove-directory"));
  expect(gone(false)).toEqual([]);
  expect(gone(true)).toEqual(["remove-directory /var/lib/ec2-backup"]);
  const left = planUninstall(odd, true).left.map(({ path, because }) => `${path} ${because}`);
  expect(left).toContainEqual(expect.stringMatching(/^\/srv\/data state: it is elsewhere .* by hand$/));
  expect(left).toContainEqual(expect.stringMatching(/^\/etc\/ec2-backup configuration: it is a link/));
});
