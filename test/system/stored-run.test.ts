import { spawn } from "node:child_process";
import { readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { need } from "../host/places.ts";
import { AtTerminal, terminalCan, terminalNeed } from "./at-terminal.ts";
import { agent, Bench } from "./bench.ts";
import { scenarioOf } from "./history.ts";
import { files, Host, of, outcomes, outside } from "./stored-host.ts";
import { needRestic, systemRestic } from "./stores/restics.ts";

test("on EC2 a job makes its dumps, its files and its volumes' snapshots in one run", async (context) => {
  const restic = needRestic(context, systemRestic);
  await using bench = await Bench.start(scenarioOf(2, 0, { limits: false }));
  await using host = await Host.start({ ...bench.simulator.environment, PATH: outside.PATH });
  const dump = "{ name: ldap, repository: central, run: [/bin/echo, hallo], file: ldap.ldif }";
  await host.configure(`volumes: { root: true }\ndumps:\n  - command: ${dump}\n${files(host)}`, "");
  const { code, report, stderr } = await host.run();
  expect([code, report.outcome], stderr).toEqual([0, "done"]);
  expect(outcomes(report)).toEqual(["dump/ldap made", "files made"]);
  expect(report.points).toHaveLength(1);
  const steps = report.steps.map(({ name }) => name);
  const order = ["store dump/ldap", "store files", "capture"].map((name) => steps.indexOf(name));
  expect(order.toSorted((a, b) => a - b)).toEqual(order);
  expect(order).not.toContain(-1);
  const { arn } = report.instance ?? { arn: "" };
  const told = JSON.parse(host.restic(restic, "snapshots", "--json")) as { tags: string[] }[];
  const series = told.flatMap(({ tags }) => tags).filter((tag) => tag.startsWith("ec2-backup:series="));
  expect(series.sort()).toEqual([
    `ec2-backup:series=${arn}/nightly/dump/ldap`,
    `ec2-backup:series=${arn}/nightly/files`,
  ]);
  const listed = await host.execute("list", "--json");
  const { points } = JSON.parse(listed.stdout) as { points: { series: string }[] };
  expect(points.map((point) => point.series).sort()).toEqual(
    ["", "/dump/ldap", "/files"].map((end) => `${arn}/nightly${end}`),
  );
  // Of the volumes nothing is complete yet, so there is no age of the whole that could quiet an alarm.
  expect(report.series?.newestComplete).toBeUndefined();
  expect(report.series?.complete).toBe(2);
});

test("outside EC2 files and dumps need no metadata service, and nobody asks it where the host has a name", async (context) => {
  const restic = needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  await host.configure(files(host));
  const named = await host.run();
  expect([named.code, named.report.outcome], named.stderr).toEqual([0, "done"]);
  expect(named.report.instance).toEqual({ id: "build", arn: "host/build", name: "build" });
  expect(named.report.problems).toEqual([]);
  expect(named.report.series).toMatchObject({ complete: 1, newestComplete: { bytes: 8 } });
  expect(host.restic(restic, "snapshots", "--json")).toContain("ec2-backup:series=host/build/nightly/files");
  const status = await host.execute("status", "--offline");
  expect(status.stdout).toMatch(/^CONTENT +REPOSITORY +JOB/m);
  expect(status.stdout).not.toMatch(/AWS|VOLUME|DEVICE|alarms/);
  // The state knows no instance and no job takes volumes: the host is known by its name, and that is told.
  await host.configure(files(host), "");
  const guessed = await host.run();
  expect([guessed.code, guessed.report.outcome], guessed.stderr).toEqual([0, "done"]);
  expect(guessed.report.instance?.id).toBe("build");
  expect(guessed.report.problems).toMatchObject([{ severity: "notice", code: "HostName" }]);
}, 60_000);

test("on EC2 a dump that fails makes exit code 1, and keeps neither the files nor the volumes from being made", async (context) => {
  needRestic(context, systemRestic);
  await using bench = await Bench.start(scenarioOf(2, 0, { limits: false }));
  await using host = await Host.start({ ...bench.simulator.environment, PATH: outside.PATH });
  const half = `{ name: half, repository: central, run: [/bin/sh, -c, "echo half; exit 3"] }`;
  const whole = "{ name: whole, repository: central, run: [/bin/echo, hallo] }";
  await host.configure(
    `volumes: { root: true }\ndumps:\n  - command: ${half}\n  - command: ${whole}\n${files(host)}`,
    "",
  );
  const { code, report, stdout } = await host.run();
  expect([code, report.outcome], stdout).toEqual([1, "degraded"]);
  expect(outcomes(report)).toEqual(["dump/half not-made", "dump/whole made", "files made"]);
  expect(report.points).toHaveLength(1);
  expect(of(report, "dump/half")?.point).toBeUndefined();
  const failures = report.problems.filter(({ severity }) => severity === "error");
  expect(failures).toMatchObject([{ doing: expect.stringContaining("half") }]);
  const { stdout: listed } = await host.execute("list", "--json");
  const { points } = JSON.parse(listed) as { points: { series: string }[] };
  expect(points.map(({ series }) => series.replace(/^.*\/nightly/, "")).sort()).toEqual([
    "",
    "/dump/whole",
    "/files",
  ]);
}, 60_000);

test("outside EC2 metrics go to CloudWatch by a profile that only files name, and the repository is told of as well", async (context) => {
  needRestic(context, systemRestic);
  const id = "AKIAPROFILE000000001";
  await using bench = await Bench.start(scenarioOf(1, 0, { accessKeys: [{ id, user: "build" }] }));
  const { AWS_ENDPOINT_URL: endpoint = "" } = bench.simulator.environment;
  await using host = await Host.start({
    ...outside,
    AWS_PROFILE: "backup",
    AWS_CONFIG_FILE: path.join(bench.folder, "aws-config"),
    AWS_SHARED_CREDENTIALS_FILE: path.join(bench.folder, "aws-credentials"),
  });
  await writeFile(
    path.join(bench.folder, "aws-config"),
    `[profile backup]\nregion = eu-central-1\nendpoint_url = ${endpoint}\n`,
  );
  await writeFile(
    path.join(bench.folder, "aws-credentials"),
    `[backup]\naws_access_key_id = ${id}\naws_secret_access_key = secret\n`,
  );
  await host.configure(files(host));
  const { code, report, stderr } = await host.run();
  expect([code, report.problems], stderr).toEqual([0, []]);
  expect((await host.execute("repository", "check", "central")).code).toBe(0);
  const told = bench.apiCalls().filter(({ action }) => action === "PutMetricData");
  expect(told.map(({ principal, outcome }) => [principal?.split("/").at(-1), outcome?.status])).toEqual([
    ["build", 200],
    ["build", 200],
  ]);
  const dimensions = told.map(({ parameters }) => {
    const { MetricData = [] } = parameters as {
      MetricData?: { Dimensions: { Name: string; Value: string }[] }[];
    };
    return MetricData[0]?.Dimensions.map(({ Name, Value }) => `${Name}=${Value}`).sort();
  });
  expect(dimensions).toEqual([
    ["Job=nightly", "Server=build"],
    ["Job=repository:central", "Server=build"],
  ]);
}, 60_000);

test("outside EC2 a job that takes volumes fails, and says what to do", async (context) => {
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  await host.configure(`volumes: { root: true }\n${files(host)}`);
  const { code, report } = await host.run();
  expect([code, outcomes(report)]).toEqual([1, ["files made"]]);
  expect(report.problems).toMatchObject([{ severity: "error", kind: "configuration", code: "NoInstance" }]);
});

test("what cannot be read makes a point partial: exit code 1, and it stands for no complete one", async (context) => {
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  await host.configure(files(host));
  await host.run();
  // Nobody can read that from its beginning, not even root.
  await host.configure(`files: { repository: central, paths: [${host.at("data")}, /proc/1/mem] }`);
  const { code, report } = await host.run();
  expect([code, report.outcome, outcomes(report)]).toEqual([1, "degraded", ["files partial"]]);
  expect(of(report, "files")?.unread?.first[0]?.path).toBe("/proc/1/mem");
  expect(report.problems).toMatchObject([{ severity: "error", code: "PartlyRead" }]);
  expect(of(report, "files")?.series?.complete).toBe(1);
  const { stdout } = await host.execute("list", "--json");
  const { points } = JSON.parse(stdout) as { points: { state: string }[] };
  expect(points.map(({ state }) => state)).toEqual(["partial", "complete"]);
});

test("a dump that fails at its last byte is no point, and the others are made", async (context) => {
  const restic = needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  const dump = `{ name: half, repository: central, run: [/bin/sh, -c, "echo half; exit 3"] }`;
  await host.configure(`dumps:\n  - command: ${dump}\n${files(host)}`);
  const { code, report } = await host.run();
  expect([code, outcomes(report)]).toEqual([1, ["dump/half not-made", "files made"]]);
  expect(of(report, "dump/half")?.series).toEqual({ complete: 0 });
  expect(report.series?.newestComplete).toBeUndefined();
  expect(JSON.parse(host.restic(restic, "snapshots", "--json"))).toHaveLength(1);
});

test("retention thins each series by itself, and forget gives up what is stored no more", async (context) => {
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  const dump = "dumps:\n  - command: { name: ldap, repository: central, run: [/bin/echo, hallo] }";
  await host.configure(`${dump}\n${files(host)}`);
  for (let turn = 0; turn < 3; turn += 1) await host.run();
  const plan = await host.run("plan");
  expect(outcomes(plan.report)).toEqual(["dump/ldap due", "files due"]);
  expect(plan.report.stored?.map(({ series }) => series?.complete)).toEqual([2, 2]);
  await host.configure(files(host), "host: { name: build }", ", appendOnly: true");
  const kept = await host.run();
  expect(kept.report.problems).toMatchObject([{ severity: "notice", code: "PrunedElsewhere" }]);
  expect(of(kept.report, "files")?.series?.complete).toBe(3);
  await host.configure(files(host));
  const refused = await host.execute("forget", "files");
  expect([refused.code, refused.stdout + refused.stderr]).toEqual([64, expect.stringContaining("stores it")]);
}, 90_000);

test("a dump with a schedule of its own is made when that was due, and its age counts by it", async (context) => {
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  const rare = `{ name: rare, repository: central, schedule: "0 4 1 1 *", run: [/bin/echo, hallo] }`;
  await host.configure(`schedule: "0 2 * * *"\ndumps:\n  - command: ${rare}\n${files(host)}`);
  expect(outcomes((await host.run()).report)).toEqual(["dump/rare made", "files made"]);
  const { report, code } = await host.run();
  expect([code, outcomes(report)]).toEqual([0, ["dump/rare not-due", "files made"]]);
  expect(of(report, "dump/rare")?.next).toMatch(/-01-01T04:00:00/);
  expect(report.series?.newestComplete?.captured).toBe(of(report, "files")?.point?.captured);
});

test("a repository that cannot be reached is told first, and never reads as one without points", async (context) => {
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  await host.configure(files(host));
  await host.run();
  await rename(host.at("repository"), host.at("away"));
  const { code, report, stdout } = await host.run();
  expect([code, report.outcome, outcomes(report)], stdout).toEqual([2, "failed", ["files not-made"]]);
  expect(report.series).toBeUndefined();
  const list = await host.execute("list");
  expect([list.code, list.stdout]).toEqual([2, expect.stringMatching(/^error: .*central/)]);
  expect(list.stdout).not.toContain("There is no recovery point");
  const status = await host.execute("status", "--refresh");
  expect(status.stdout).toContain("central could not be asked");
  expect(status.stdout).not.toMatch(/none seen/);
});

test("at a terminal a run shows how far its files are", async (context) => {
  need(context, terminalCan, terminalNeed);
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  // restic reads holes as zeros, for longer than the half second that it tells its progress after.
  await truncate(host.at("data/a"), 768 * 2 ** 20);
  await host.configure(files(host));
  await using person = new AtTerminal(
    [process.execPath, agent, "run", "nightly", ...host.words],
    host.environment,
  );
  expect(await person.end(), person.text).toBe(0);
  // Each drawing begins by clearing the line, and so does what is told when all is read.
  const [, ...drawn] = person.text.split("\u001b[K");
  const bars = drawn.map((text) => /^(█*)(░*) +(\d+) % {2}files: \S+ \S+ of 768 MiB$/.exec(text));
  expect(bars.findLastIndex((bar) => bar !== null)).toBeLessThan(bars.length - 1);
  const within = bars.filter((bar) => {
    const [, full = "", empty = "", percent] = bar ?? [];
    const part = Number(percent) / 100;
    return full.length + empty.length === 30 && Math.abs(full.length - part * 30) <= 1 && part > 0;
  });
  expect(within, person.text).not.toEqual([]);
}, 60_000);

test("programs are held around the files, and one that fails makes the point no less than what it is", async (context) => {
  const restic = needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  const note = host.at("data/held");
  const hook = `hooks:\n  - command: { before: [/bin/touch, ${note}], after: [/bin/rm, ${note}] }`;
  await host.configure(`${hook}\n${files(host)}`);
  const { report, code } = await host.run();
  expect([code, of(report, "files")?.point?.consistency]).toEqual([0, "application"]);
  expect(host.restic(restic, "ls", "latest")).toContain("/data/held");
  await expect(readFile(note)).rejects.toThrow("ENOENT");
  await host.configure(`hooks:\n  - command: { before: [/bin/false] }\n${files(host)}`);
  const failed = await host.run();
  expect([failed.code, of(failed.report, "files")?.point?.consistency]).toEqual([1, "crash"]);
});

test("half of the files, in a repository that is gone before that can be said there, is marked by the next run", async (context) => {
  const restic = needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  const half = `files: { repository: central, paths: [${host.at("data")}, /proc/1/mem] }`;
  const [armed, gone, program] = ["armed", "gone", "restic"].map((name) => host.at(name)) as [
    string,
    string,
    string,
  ];
  // Reaches nothing any more from the moment that the mark is to be written.
  const script = [
    "#!/bin/sh",
    `case "$*" in *unread.jsonl*) [ -e ${armed} ] && touch ${gone} ;; esac`,
    `[ -e ${gone} ] && { echo "Fatal: dial tcp: connection refused" >&2; exit 1; }`,
    `exec ${restic} "$@"\n`,
  ];
  await writeFile(program, script.join("\n"), { mode: 0o755 });
  await writeFile(armed, "");
  const through = ["host: { name: build }", `, restic: ${program}`] as const;
  await host.configure(half, ...through);
  const cut = await host.run();
  expect(
    cut.report.stored?.map(({ outcome }) => outcome),
    cut.stdout,
  ).toEqual(["not-made"]);
  expect(JSON.parse(host.restic(restic, "snapshots", "--json")), cut.stdout).toHaveLength(1);
  for (const file of [armed, gone]) await rm(file, { force: true });
  await host.configure(half, ...through);
  const next = await host.run();
  expect(next.report.problems.map(({ found }) => found)).toContainEqual(
    expect.stringContaining("marked as partial"),
  );
  const { stdout } = await host.execute("list", "--json");
  const { points } = JSON.parse(stdout) as { points: { state: string }[] };
  expect(points.map(({ state }) => state)).toEqual(["partial", "partial"]);
});

test("an agent that is killed in the middle leaves no point that looks good", async (context) => {
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  const slow = `"echo half; touch ${host.at("begun")}; sleep 20"`;
  await host.configure(
    `dumps:\n  - command: { name: slow, repository: central, run: [/bin/sh, -c, ${slow}] }`,
  );
  const child = spawn(process.execPath, [agent, "run", ...host.words], {
    env: host.environment,
    stdio: "ignore",
  });
  const isOver = new Promise((resolve) => child.once("exit", resolve));
  await expect.poll(() => readFile(host.at("begun")), { timeout: 30_000 }).toBeDefined();
  child.kill("SIGKILL");
  await isOver;
  await host.configure(files(host));
  const next = await host.run();
  expect(next.report.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  const { stdout } = await host.execute("list", "--json");
  const { points } = JSON.parse(stdout) as { points: { state: string; series: string }[] };
  const half = points.filter(({ series, state }) => series.includes("/dump/") && state === "complete");
  expect(half, stdout).toEqual([]);
}, 60_000);

test("a run that keeps a schedule leaves the listing of its files here, and one that is waited for does not", async (context) => {
  needRestic(context, systemRestic);
  await using host = await Host.start(outside);
  await host.configure(files(host));
  // The words of files that the repository itself could not answer by now.
  const listed = async () => {
    await rename(host.at("repository/index"), host.at("index"));
    const answer = await host.execute("restore", "ls", host.at("data"), "--json");
    await rename(host.at("index"), host.at("repository/index"));
    const names = () => (JSON.parse(answer.stdout) as { entries: { name: string }[] }).entries;
    return answer.code === 0 ? names().map(({ name }) => name) : answer.code;
  };
  const byHand = await host.run("run");
  expect(byHand.code, byHand.stderr).toBe(0);
  expect(await listed()).not.toEqual(expect.any(Array));
  const scheduled = await host.run("run", "--trigger", "schedule");
  expect(scheduled.code, scheduled.stderr).toBe(0);
  expect(await listed()).toEqual(["a", "below"]);
  // Nobody can write where it would lie: that is no failure of the run.
  await rm(host.at("state/cache"), { recursive: true });
  await writeFile(host.at("state/cache"), "");
  const nowhere = await host.run("run", "--splay", "0s");
  expect([nowhere.code, nowhere.report.outcome], nowhere.stderr).toEqual([0, "done"]);
}, 60_000);
