import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, type TestContext, test } from "vitest";
import type { UpkeepState } from "../../src/core/upkeep.ts";
import type { UpkeepStatus } from "../../src/core/upkeep-status.ts";
import { pingService } from "../fakes/ping-service.ts";
import { topicService } from "../fakes/topic-service.ts";
import { Bench } from "./bench.ts";
import { DaemonProcess, soonAMinute, until } from "./daemon-process.ts";
import { instance, scenarioOf } from "./history.ts";
import { makeRepository } from "./stores/cheap-key.ts";
import { needRestic, systemRestic } from "./stores/restics.ts";
import { shelfAt } from "./stores/shelf.ts";

const topic = "arn:aws:sns:eu-central-1:111122223333:backups";
const weekly = 'check: { schedule: "0 6 * * 6" }, prune: { schedule: "0 5 * * 0" }';

/** An instance with a directory, a repository that is looked after on schedules, and a mirror of it. */
class Kept {
  readonly bench: Bench;
  readonly #restic: string;

  private constructor(bench: Bench, restic: string) {
    this.bench = bench;
    this.#restic = restic;
  }

  static async start(context: TestContext, upkeep: string, more = "", job = ""): Promise<Kept> {
    const restic = needRestic(context, systemRestic);
    const bench = await Bench.start(scenarioOf(2, 0, { limits: false }));
    context.onTestFinished(() => bench[Symbol.asyncDispose]());
    const kept = new Kept(bench, restic);
    await mkdir(kept.at("data"));
    await writeFile(kept.at("data/a"), "one\n");
    await writeFile(kept.at("password"), "secret\n", { mode: 0o600 });
    const dump = "{ name: ldap, repository: central, run: [/bin/echo, hallo] }";
    const text = `version: 1
daemon: { bootDelay: 0s }
repositories:
  central: { url: ${kept.at("repository")}, passwordFile: ${kept.at("password")}, lockWait: 30s, ${upkeep} }
  offsite: { url: ${kept.at("mirror")}, passwordFile: ${kept.at("password")} }
jobs:
  nightly:
    ${job}
    splay: 0s
    retention: { last: 9 }
    dumps: [{ command: ${dump} }]
    files: { repository: central, paths: [${kept.at("data")}] }
${more}`;
    await writeFile(bench.config, text, { mode: 0o600 });
    for (const name of ["repository", "mirror"])
      await makeRepository(shelfAt(kept.at(name)), kept.at("password"));
    return kept;
  }

  at(name: string): string {
    return path.join(this.bench.folder, name);
  }

  restic(repository: string, ...words: string[]): string {
    const own = ["-r", this.at(repository), "--password-file", this.at("password"), "--no-cache", "-q"];
    return execFileSync(this.#restic, [...own, ...words], { encoding: "utf8" });
  }

  /** A backup of somebody else that goes on until it is ended, and keeps everybody from pruning. */
  async somebodyAtWork(context: TestContext): Promise<void> {
    const words = ["-r", this.at("repository"), "--password-file", this.at("password"), "--no-cache", "-q"];
    const child = spawn(this.#restic, [...words, "backup", "--stdin"], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin?.on("error", () => undefined).write("x");
    context.onTestFinished(async () => {
      const ended = once(child, "exit");
      if (child.kill("SIGKILL")) await ended;
    });
    await expect.poll(() => readdir(this.at("repository/locks")), { timeout: 30_000 }).not.toEqual([]);
  }

  execute(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return this.bench.execute(["--config", this.bench.config, ...words], { env });
  }

  async status(): Promise<{ code: number | null; upkeep: readonly UpkeepStatus[]; text: string }> {
    const { code, stdout } = await this.execute(["status", "--offline", "--json"]);
    return { code, text: stdout, ...(JSON.parse(stdout) as { upkeep: readonly UpkeepStatus[] }) };
  }

  /** The values of `Errors` that CloudWatch was told of the repository. */
  errors(): number[] {
    const told = this.bench.apiCalls().filter(({ action }) => action === "PutMetricData");
    return told.flatMap(({ parameters }) => {
      const { MetricData = [] } = parameters as {
        MetricData?: { MetricName: string; Value: number; Dimensions?: { Value: string }[] }[];
      };
      return MetricData.filter(
        ({ MetricName, Dimensions = [] }) =>
          MetricName === "Errors" && Dimensions.some(({ Value }) => Value === "repository:central"),
      ).map(({ Value }) => Value);
    });
  }

  get stateFile(): string {
    return path.join(this.bench.state, instance.id, "repository-central.json");
  }

  async state(): Promise<UpkeepState> {
    return JSON.parse(await readFile(this.stateFile, "utf8")) as UpkeepState;
  }
}

test("upkeep that fails tells the topic, the URL, CloudWatch and status, and a good prune hides no failed check", async (context) => {
  const [sns, ping] = [await topicService(), await pingService()];
  const notify = `notify: { topic: "${topic}", ping: { url: "${ping.url}/{job}" } }\n`;
  const kept = await Kept.start(context, weekly, notify);
  const env = { AWS_ENDPOINT_URL_SNS: sns.url };
  const upkeep = (kind: string) => kept.execute(["repository", kind, "central"], env);
  expect((await kept.execute(["run"], env)).code).toBe(0);
  const before = ping.heard.length;
  const good = await upkeep("check");
  expect([good.code, sns.published.length, ping.heard.length], good.stderr).toEqual([0, 0, before]);
  await rename(kept.at("repository"), kept.at("away"));
  const failed = await upkeep("check");
  expect(failed.code, failed.stderr).toBe(2);
  expect(sns.published).toHaveLength(1);
  expect(sns.published[0]?.subject).toBe(`Repository check FAILED: central, by ${instance.id}`);
  const told = sns.published[0]?.message ?? "";
  expect(told).toMatch(/What went wrong:\n {2}1\. .*central/);
  expect(told).toMatch(/^Last good: \d{4}-\d\d-\d\d /m);
  expect(told).toContain("ec2-backup repository check central    tries again now");
  expect(ping.heard.slice(before).map(({ path: at, body }) => [at, body])).toEqual([
    ["/hush-hush/repository%3Acentral/fail", told],
  ]);
  const status = await kept.status();
  expect(status.code, status.text).toBe(1);
  expect(status.upkeep.find(({ kind }) => kind === "check")).toMatchObject({ outcome: "not-done" });
  await rename(kept.at("away"), kept.at("repository"));
  expect((await upkeep("prune")).code).toBe(0);
  expect((await upkeep("check")).code).toBe(0);
  expect((await upkeep("prune")).code).toBe(0);
  expect(kept.errors()).toEqual([0, 1, 1, 0, 0]);
  expect((await kept.status()).code).toBe(0);
  expect(sns.published).toHaveLength(1);
}, 120_000);

test("a prune that its caller stops himself is no failure of the schedule, for nobody", async (context) => {
  const sns = await topicService();
  const kept = await Kept.start(context, weekly, `notify: { topic: "${topic}" }\n`);
  const words = ["--config", kept.bench.config, "repository", "prune", "central"];
  const env = { AWS_ENDPOINT_URL_SNS: sns.url };
  expect((await kept.execute(["run"], env)).code).toBe(0);
  expect((await kept.bench.execute(words, { env })).code).toBe(0);
  const good = await kept.state();
  await kept.somebodyAtWork(context);
  const locks = path.join(kept.bench.state, "locks");
  await rm(locks, { recursive: true });
  let pid = 0;
  const ending = kept.bench.execute(words, {
    env,
    onStart(one) {
      pid = one;
    },
  });
  await expect
    .poll(() => readdir(locks).catch(() => []), { timeout: 30_000 })
    .toContain("repository.central.lock");
  process.kill(pid, "SIGINT");
  const stopped = await ending;
  expect([stopped.code, stopped.stderr], stopped.stderr).toEqual([
    130,
    expect.stringContaining("told to stop"),
  ]);
  expect((await kept.state()).prune).toEqual(good.prune);
  expect([kept.errors(), sns.published, (await kept.status()).code]).toEqual([[0], [], 0]);
}, 60_000);

test("what a killed check has locked is told, and unlocked by the daemon as soon as it starts", async (context) => {
  const kept = await Kept.start(context, `check: { schedule: "0 6 * * 6", subset: 1/1 }`);
  expect((await kept.execute(["run"])).code).toBe(0);
  // Enough to read for as long as it takes to kill it.
  await writeFile(kept.at("data/large"), randomBytes(128 * 2 ** 20));
  expect((await kept.execute(["run"])).code).toBe(0);
  const locks = async () =>
    (await readdir(kept.at("repository/locks"))).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const killed = await kept.bench.execute(["--config", kept.bench.config, "repository", "check", "central"], {
    onStart(pid) {
      void until(
        async () => (await locks()).length > 0,
        () => "the check locks nothing",
      ).then(() => process.kill(pid, "SIGKILL"));
    },
  });
  expect(killed.signal).toBe("SIGKILL");
  expect(await locks()).toHaveLength(1);
  const status = await kept.execute(["status", "--offline"]);
  expect(status.stdout).toMatch(/upkeep of central was killed \(process \d+\) and may have left it locked/);
  const doctor = await kept.execute(["doctor", "--json"]);
  expect(doctor.stdout).toMatch(/has left a lock for itself alone in the repository central/);
  const daemon = new DaemonProcess(context, kept.bench);
  await until(
    async () => (await locks()).length === 0,
    () => `it is locked still:\n${daemon.log}`,
  );
  expect(await daemon.end()).toBe(0);
  expect((await kept.execute(["status", "--offline"])).stdout).not.toContain("was killed");
}, 90_000);

test("a new repository is calm until its first check is overdue by the schedule, and then runs tell it as well", async (context) => {
  const sns = await topicService();
  const kept = await Kept.start(context, weekly, `notify: { topic: "${topic}" }\n`);
  const env = { AWS_ENDPOINT_URL_SNS: sns.url };
  const first = await kept.execute(["run"], env);
  expect([first.code, sns.published], first.stdout).toEqual([0, []]);
  const calm = await kept.status();
  expect(calm.code, calm.text).toBe(0);
  expect(calm.upkeep.map(({ kind, overdue }) => [kind, overdue])).toEqual([
    ["check", false],
    ["prune", false],
  ]);
  const { since = "" } = (await kept.state()).check ?? {};
  expect(Math.abs(Date.parse(since) - Date.now())).toBeLessThan(120_000);
  const long = new Date(Date.now() - 30 * 86_400_000).toISOString();
  await writeFile(kept.stateFile, JSON.stringify({ ...(await kept.state()), check: { since: long } }));
  expect((await kept.status()).code).toBe(1);
  const late = await kept.execute(["run", "--json"], env);
  expect(late.code).toBe(1);
  const { reports } = JSON.parse(late.stdout) as { reports: { outcome: string; problems: unknown[] }[] };
  expect(reports[0]).toMatchObject({
    outcome: "degraded",
    problems: [{ severity: "error", code: "UpkeepOverdue", found: expect.stringContaining("never yet") }],
  });
  expect(sns.published[0]?.message).toContain("ec2-backup repository check central");
  // What is done well again is no news.
  expect((await kept.execute(["repository", "check", "central"], env)).code).toBe(0);
  expect((await kept.execute(["run"], env)).code).toBe(0);
}, 120_000);

test("an alarm watches the upkeep of a repository: it rings when a check fails, and is well again after a good one", async (context) => {
  const more = "alarms: { createTopic: ec2-backup, slowerThan: 15m }\n";
  const kept = await Kept.start(context, weekly, more, 'schedule: "0 2 * * *"');
  expect((await kept.execute(["run"])).code).toBe(0);
  const name = `ec2-backup/${instance.id}/central/upkeep`;
  const applied = await kept.execute(["alarms", "apply", "--json"]);
  expect(applied.stdout, applied.stderr).toContain(`"${name}"`);
  const stateOf = async () => {
    await kept.bench.simulator.control.clock({ advance: "10m" });
    return (await kept.bench.simulator.control.state()).alarms[name]?.state;
  };
  await rename(kept.at("repository"), kept.at("away"));
  expect((await kept.execute(["repository", "check", "central"])).code).toBe(2);
  expect(await stateOf()).toBe("ALARM");
  await rename(kept.at("away"), kept.at("repository"));
  expect((await kept.execute(["repository", "check", "central"])).code).toBe(0);
  expect(await stateOf()).toBe("OK");
  const again = await kept.execute(["alarms", "plan", "--json"]);
  const { plan } = JSON.parse(again.stdout) as { plan: { changes: { action: string }[] } };
  expect(plan.changes.map(({ action }) => action)).not.toContain("remove");
}, 120_000);

test("the daemon wakes for a job's dumps and files, and for the check, the prune and the mirror of their repository", async (context) => {
  const each = '"every 1m"';
  const upkeep = `check: { schedule: ${each} }, prune: { schedule: ${each} }, mirror: { to: offsite, schedule: ${each} }`;
  const kept = await Kept.start(context, upkeep, "", `schedule: ${each}`);
  const daemon = new DaemonProcess(context, kept.bench, soonAMinute().env);
  const stored = () =>
    JSON.parse(kept.restic("mirror", "snapshots", "--json", "--no-lock")) as { tags: string[] }[];
  await until(
    async () => {
      const state: Partial<UpkeepState> = await kept.state().catch(() => ({}));
      return (
        [state.check, state.prune, state.mirror].every((one) => one?.lastGood !== undefined) &&
        stored().length >= 2
      );
    },
    () => `not all was done:\n${daemon.log}`,
    280_000,
  );
  for (const what of [
    "nightly",
    "repository/central/check",
    "repository/central/prune",
    "repository/central/mirror",
  ])
    expect(daemon.log).toMatch(new RegExp(`starting \\(schedule, slot .*:00\\.000Z\\).*${what}`));
  const series = stored().flatMap(({ tags }) => tags.filter((tag) => tag.startsWith("ec2-backup:series=")));
  expect(new Set(series.map((one) => one.replace(/^.*\/nightly\//, "")))).toEqual(
    new Set(["dump/ldap", "files"]),
  );
  const { check, mirror } = await kept.state();
  expect(check?.report).toMatchObject({ trigger: "schedule", slot: expect.stringMatching(/:00\.000Z$/) });
  expect(mirror?.lastSlot).toMatch(/:00\.000Z$/);
  expect(await daemon.end()).toBe(0);
}, 300_000);
