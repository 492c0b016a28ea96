import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { type PingService, pingService } from "../fakes/ping-service.ts";
import { topicService } from "../fakes/topic-service.ts";
import { Bench, type Run, type Start } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const topic = "arn:aws:sns:eu-central-1:111122223333:backups";
const waits = "{ request: 10s, capture: 4s, retryFor: 1s, retryEvery: 100ms, reconcileEvery: 100ms }";
const nobody: Partial<Scenario> = { deny: [{ action: "ec2:CreateSnapshots" }] };

interface Told {
  readonly bench: Bench;
  readonly run: (...more: string[]) => Promise<Run>;
  readonly published: Awaited<ReturnType<typeof topicService>>["published"];
}

/** A host whose agent is configured to tell of its runs, and the topic that it tells. */
async function telling(
  notify: (bench: Bench) => string | Promise<string>,
  { scenario = {}, jobs = "default" }: { scenario?: Partial<Scenario>; jobs?: string } = {},
): Promise<Told & AsyncDisposable> {
  const bench = await Bench.start(scenarioOf(2, 3, scenario));
  const sns = await topicService();
  const each = jobs.split(" ").map((job) => `  ${job}: { retention: { last: 4 }, waits: ${waits} }\n`);
  const file = `version: 1\njobs:\n${each.join("")}notify: ${await notify(bench)}\n`;
  await writeFile(bench.config, file, { mode: 0o600 });
  const start: Start = { env: { AWS_ENDPOINT_URL_SNS: sns.url } };
  return {
    bench,
    run: (...more) => bench.run(start, ...more),
    published: sns.published,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

/** The file with the secret, as its owner keeps it. */
async function secretFile(bench: Bench, url: string, mode = 0o600): Promise<string> {
  const file = path.join(bench.folder, "ping-url");
  await writeFile(file, `${url}\n`);
  await chmod(file, mode);
  return file;
}

const paths = ({ heard }: PingService) => heard.map(({ path }) => path);

test("a good run pings its beginning and its end by its run id, and the topic only where it is to hear of all", async () => {
  for (const on of ["failure", "always"]) {
    const service = await pingService();
    await using host = await telling(
      () => `{ topic: "${topic}", on: ${on}, ping: { url: "${service.url}" } }`,
    );
    const run = await host.run();
    expect(run.code, run.stderr).toBe(0);
    expect(run.report.problems).toEqual([]);
    expect(paths(service)).toEqual(["/hush-hush/start", "/hush-hush"]);
    expect(service.heard.map(({ rid }) => rid)).toEqual([run.report.run, run.report.run]);
    expect(service.heard[1]?.body).toContain("The backup of host (i-0fa00000000000001) was made.");
    expect(host.published.map(({ subject }) => subject)).toEqual(
      on === "always" ? ["Backup done: host (i-0fa00000000000001), job default"] : [],
    );
  }
});

test("a run that fails tells both why, and what there is to fall back on", async () => {
  const service = await pingService();
  await using host = await telling(() => `{ topic: "${topic}", ping: { url: "${service.url}" } }`, {
    scenario: nobody,
  });
  const run = await host.run();
  expect(run.code, run.stderr).toBe(77);
  expect(paths(service)).toEqual(["/hush-hush/start", "/hush-hush/fail"]);
  const [message] = host.published;
  expect(message).toMatchObject({ topic, subject: expect.stringMatching(/^Backup FAILED: host \(i-/) });
  for (const text of [message?.message, service.heard[1]?.body]) {
    expect(text).toContain("was NOT made");
    expect(text).toContain("UnauthorizedOperation");
    expect(text).toContain("To do: allow the action to whoever asks (policies/): for runs to the");
    expect(text).toContain("NONE IS KNOWN on this host");
  }
});

test("a run that cannot list names the newest point that an earlier one saw", async () => {
  await using host = await telling(() => `{ topic: "${topic}" }`);
  expect((await host.run()).code).toBe(0);
  await host.bench.tomorrow();
  host.bench.simulator.control.settings({ deny: nobody.deny ?? [] });
  expect((await host.run()).code).toBe(77);
  expect(host.published[0]?.message).toMatch(
    /Last good: 20\d\d-.* UTC, .* before that \(0\.5 GiB\), as this host last saw it/,
  );
});

test("a run that another keeps out is no sign of life, but a person hears of it", async () => {
  const service = await pingService();
  await using host = await telling(() => `{ topic: "${topic}", ping: { url: "${service.url}" } }`);
  const { control } = host.bench.simulator;
  control.faults([{ kind: "hang-after", action: "CreateSnapshots" }]);
  const first = host.run();
  for (let seen = 0; !control.calls().some((call) => call.action === "CreateSnapshots"); seen += 1)
    await control.waitForCalls(seen, 1_000);
  const second = await host.run();
  expect(second.code, second.stderr).toBe(75);
  expect(paths(service)).toEqual(["/hush-hush/start"]);
  expect(host.published[0]?.subject).toMatch(/^Backup SKIPPED: /);
  // What it asked for took effect; it looks for it, finds it and is content.
  const { code, stderr } = await first;
  expect(code, stderr).toBe(0);
  expect(paths(service)).toEqual(["/hush-hush/start", "/hush-hush"]);
});

test("what only shows or only removes is no sign of life", async () => {
  const service = await pingService();
  await using host = await telling(
    () => `{ topic: "${topic}", on: always, ping: { url: "${service.url}" } }`,
  );
  const words = ["--config", host.bench.config, "--json"];
  for (const command of [["plan"], ["prune", "--dry-run"], ["run", "--dry-run"], ["prune"]]) {
    expect(host.published).toEqual([]);
    expect((await host.bench.execute([...command, ...words])).code).toBe(0);
  }
  expect(service.heard).toEqual([]);
});

test("an instance that does not know itself fails by the id that it had", async () => {
  const service = await pingService();
  await using host = await telling(() => `{ ping: { url: "${service.url}/{server}/{job}" } }`);
  expect((await host.run()).code).toBe(0);
  host.bench.simulator.control.settings({ imds: { enabled: false } });
  const run = await host.run();
  expect(run.code).toBe(69);
  expect(paths(service).at(-1)).toBe(`/hush-hush/${instance.id}/default/fail`);
  expect(service.heard.at(-1)?.body).toContain("metadata service refuses");
});

test.each([
  ["never answers", { silent: true }, "no answer within"],
  ["answers 500", { status: 500 }, "the answer 500"],
  ["sends elsewhere", { status: 302 }, "the answer 302"],
])("a service that %s changes no outcome, holds no run for long, and is told of", async (_, how, found) => {
  const service = await pingService((_heard, response) => {
    if ("silent" in how) return;
    response.writeHead(how.status, { location: "http://127.0.0.1:1/stolen" });
    response.end();
  });
  await using host = await telling(
    async (bench) => `{ ping: { urlFile: "${await secretFile(bench, service.url)}", timeout: 1s } }`,
  );
  const run = await host.run();
  expect(run.code, run.stderr).toBe(0);
  expect(run.report.outcome).toBe("done");
  expect(run.report.problems).toMatchObject([
    {
      severity: "warning",
      doing: "ping the URL of notify.ping (success)",
      found: expect.stringContaining(found),
    },
  ]);
  expect(run.stderr).toContain("cannot ping the URL of notify.ping (success)");
  expect(run.ms).toBeLessThan(30_000);
  await expectSecrecy(host.bench, run);
});

test("a secret that others can read is not used, and that is told", async () => {
  const service = await pingService();
  await using host = await telling(
    async (bench) => `{ ping: { urlFile: "${await secretFile(bench, service.url, 0o644)}" } }`,
  );
  const run = await host.run();
  expect(run.code, run.stderr).toBe(0);
  expect(service.heard).toEqual([]);
  expect(run.report.problems).toMatchObject([
    { severity: "warning", found: "mode 0644, so others can read it", kind: "configuration" },
  ]);
  await expectSecrecy(host.bench, run);
});

test("one URL for several jobs is pinged, and complained of where the file could not show it", async () => {
  const service = await pingService();
  await using host = await telling(
    async (bench) => `{ ping: { urlFile: "${await secretFile(bench, service.url)}" } }`,
    { jobs: "a b", scenario: { limits: false } },
  );
  const { stdout, code } = await host.bench.execute(["run", "--config", host.bench.config, "--json"]);
  expect(code).toBe(0);
  const { reports } = JSON.parse(stdout) as { reports: { problems: { found: string }[] }[] };
  for (const { problems } of reports)
    expect(problems.map(({ found }) => found)).toEqual([expect.stringContaining("without {job}")]);
  expect(paths(service)).toEqual(["/hush-hush/start", "/hush-hush", "/hush-hush/start", "/hush-hush"]);
});

test("a topic that refuses changes no outcome and is told of", async () => {
  const bench = await Bench.start(scenarioOf(1, 0));
  await using _ = bench;
  const sns = await topicService(() => ({ status: 403, code: "AuthorizationError" }));
  const file = `version: 1\njobs: { default: { waits: ${waits} } }\nnotify: { topic: "${topic}", on: always }\n`;
  await writeFile(bench.config, file, { mode: 0o600 });
  const run = await bench.run({ env: { AWS_ENDPOINT_URL_SNS: sns.url } });
  expect(run.code, run.stderr).toBe(0);
  expect(run.report.problems).toMatchObject([
    { severity: "warning", kind: "denied", doing: `publish a notice to ${topic}` },
  ]);
});

test("check-config warns of what would keep the pings from being sent, and shows no secret", async () => {
  await using host = await telling(
    async (bench) => `{ ping: { urlFile: "${await secretFile(bench, "https://h/hush")}" } }`,
    { jobs: "a b" },
  );
  const file = path.join(host.bench.folder, "ping-url");
  const checked = async (): Promise<string[]> => {
    const { stdout, stderr, code } = await host.bench.execute([
      "check-config",
      "--config",
      host.bench.config,
      "--json",
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout + stderr).not.toContain("hush");
    return (JSON.parse(stdout) as { warnings: string[] }).warnings;
  };
  expect(await checked()).toEqual([expect.stringContaining("has no {job} in it: of 2 jobs")]);
  await writeFile(file, "https://h/hush-{job}\n");
  expect(await checked()).toEqual([]);
  await writeFile(file, "hush\n");
  expect(await checked()).toEqual([expect.stringContaining("is no http:// or https:// URL")]);
  await chmod(file, 0o644);
  expect(await checked()).toEqual([expect.stringContaining("mode 0644, so others can read it")]);
});

/** The secret stands in no output and in nothing that is kept. */
async function expectSecrecy(bench: Bench, { stdout, stderr }: Run): Promise<void> {
  expect(stdout + stderr).not.toContain("hush");
  const names = await readdir(bench.state, { recursive: true, withFileTypes: true });
  for (const entry of names.filter((one) => one.isFile()))
    expect(await readFile(path.join(entry.parentPath, entry.name), "utf8")).not.toContain("hush");
}
