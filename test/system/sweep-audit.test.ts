import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import type { Scenario, ScenarioSnapshot } from "../../src/simulator/scenario.ts";
import { pingService } from "../fakes/ping-service.ts";
import { Bench } from "./bench.ts";

const day = 86_400_000;
const start = Date.parse("2027-03-20T12:00:00Z");
const account = "111122223333";
const web = "i-0123456789abcdef0";
const dead = "i-0123456789abcdeff";
const vol = (index: number) => `vol-0123456789abcde${index.toString(16).padStart(2, "0")}`;
const ago = (days: number) => new Date(start - days * day).toISOString();
const keyId = "0a000000-0000-4000-8000-000000000000";
const key = `arn:aws:kms:eu-central-1:${account}:key/${keyId}`;

let made = 0;

/** A point of an agent: its one snapshot. */
function point(
  instance: string,
  volumeId: string,
  days: number,
  more: Partial<ScenarioSnapshot> = {},
): ScenarioSnapshot {
  made += 1;
  const arn = `arn:aws:ec2:eu-central-1:${account}:instance/${instance}`;
  return {
    id: `snap-${made.toString(16).padStart(17, "0")}`,
    volumeId,
    volumeSize: 8,
    startTime: ago(days),
    encrypted: true,
    ...more,
    tags: {
      "ec2-backup:point": `point-${made}`,
      "ec2-backup:job": "default",
      "ec2-backup:series": `${arn}/default`,
      "ec2-backup:instance": arn,
      "ec2-backup:retention": "last=3 zone=UTC demanded=crash delay=7d",
      "ec2-backup:version": instance === dead ? "0.0.9" : "0.1.0",
      "ec2-backup:manifest.1": volumeId,
      ...more.tags,
    },
  };
}

/** An account in which about everything is wrong that can be. */
function world(): Scenario {
  made = 0;
  const on = (device: string, instance = web) => [{ instance, device }];
  return {
    clock: { start: new Date(start).toISOString(), speed: 0 },
    instances: [
      { id: web, name: "web", tags: { Backup: "yes" } },
      { id: "i-0123456789abcdef1", name: "by others" },
      { id: "i-0123456789abcdef2", name: "off", state: "stopped" },
      { id: "i-0123456789abcdef3", name: "never mind", tags: { Backup: "no" } },
    ],
    keys: [{ id: keyId, state: "PendingDeletion" }],
    volumes: [
      { id: vol(1), size: 8, encrypted: true, attachments: on("/dev/xvda"), createTime: ago(90) },
      { id: vol(2), size: 20, encrypted: true, attachments: on("/dev/sdf"), createTime: ago(90) },
      { id: vol(3), size: 8, attachments: on("/dev/xvda", "i-0123456789abcdef1"), createTime: ago(90) },
      {
        id: vol(4),
        size: 8,
        encrypted: true,
        attachments: on("/dev/xvda", "i-0123456789abcdef2"),
        createTime: ago(90),
      },
      {
        id: vol(5),
        size: 8,
        encrypted: true,
        attachments: on("/dev/xvda", "i-0123456789abcdef3"),
        createTime: ago(90),
      },
      { id: vol(6), size: 50, encrypted: true, createTime: ago(90) },
      { id: vol(7), size: 50, encrypted: true, createTime: ago(0.1) },
    ],
    snapshots: [
      // Overdue, and never pruned since.
      ...[3, 4, 5, 6, 7, 20, 21, 22].map((days) => point(web, vol(1), days)),
      point(web, vol(1), 2.5, { state: "error" }),
      point(dead, vol(15), 40, { kmsKeyId: key }),
      {
        id: "snap-0aaaaaaaaaaaaaaa1",
        volumeId: vol(1),
        volumeSize: 8,
        startTime: ago(4),
        encrypted: true,
        tags: { CreatedBy: "AutomatedBackup" },
      },
      {
        id: "snap-0aaaaaaaaaaaaaaa2",
        volumeId: vol(3),
        volumeSize: 8,
        startTime: ago(0.5),
        tags: { DeleteOn: "2027-03-27" },
      },
      {
        id: "snap-0aaaaaaaaaaaaaaa3",
        volumeId: vol(3),
        volumeSize: 8,
        startTime: ago(30),
        tags: { DeleteOn: "2027-03-01" },
      },
      {
        id: "snap-0aaaaaaaaaaaaaaa4",
        volumeId: vol(4),
        volumeSize: 8,
        startTime: ago(9),
        encrypted: true,
        tags: { Name: "by hand" },
      },
    ],
    places: [
      { region: "eu-west-1", volumes: [{ id: vol(8), size: 5, encrypted: true, createTime: ago(3) }] },
    ],
  };
}

interface Found {
  readonly severity: string;
  readonly kind: string;
  readonly unit: string;
  readonly what: string;
  readonly about: readonly string[];
}

async function audit(bench: Bench, ...words: string[]) {
  const ended = await bench.execute(["sweep", "audit", "--config", bench.config, "--json", ...words]);
  const json = JSON.parse(ended.stdout || "{}") as {
    units: {
      unit: { id: string };
      outcome: string;
      totals: Record<string, number>;
      headroom: Record<string, unknown>;
    }[];
    totals: Record<string, number>;
    findings: Found[];
    savings?: Record<string, number>;
  };
  return { ...ended, json };
}

async function governed(bench: Bench, ...more: string[]): Promise<void> {
  const folder = path.resolve(import.meta.dirname, "../../policies");
  const names = ["audit", ...more].map((name) => readFile(path.join(folder, `${name}.json`), "utf8"));
  await bench.simulator.control.settings({
    policies: [{ principal: "*", documents: await Promise.all(names) }],
  });
}

test.concurrent("the audit tells all that is wrong in an account, under its own policy and without an agent anywhere", async () => {
  await using bench = await Bench.start(world());
  await governed(bench);
  const { code, json, stderr } = await audit(bench, "--all-regions", "--retention", "last=1");
  expect(
    json.units?.map(({ unit, outcome }) => [unit.id, outcome]),
    stderr,
  ).toEqual([
    [`${account}/eu-central-1`, "done"],
    [`${account}/eu-west-1`, "done"],
  ]);
  const told = json.findings.map(({ severity, kind, what }) => `${severity} ${kind}: ${what}`);
  expect(told).toEqual([
    `error overdue: 1 of the 2 volumes of web (${web}) has no backup since 2027-03-17 (3 d)`,
    `error unprotected: 1 of the 2 volumes of web (${web}) has no backup at all`,
    expect.stringMatching(
      /^error key: the key of 1 snapshot and 0 volumes will be deleted on \d{4}-\d\d-\d\d: arn:aws:kms:/,
    ),
    "warning unprotected: 1 volume that no instance has (50 GiB) has no backup at all",
    "warning unprotected: 1 volume that no instance has (5 GiB) has no backup at all",
    "warning failed: EC2 could not complete 1 point",
    expect.stringMatching(
      /^warning expired: \d points of 1 series should have been removed more than two days ago/,
    ),
    "warning expired: 1 snapshot of ebs_snapper or a tool of its dialect (tag DeleteOn) should have been deleted by its own date",
    "warning doubled: 1 volume is backed up by aws-ec2-ebs-automatic-snapshot-bash (tag CreatedBy=AutomatedBackup) and ec2-backup",
    "note overdue: off (i-0123456789abcdef2) has no backup since 2027-03-11 (9 d); it is stopped",
    "note expired: 1 point of 1 instance that is gone (8 GiB of volumes)",
    "note unencrypted: 1 volume and 2 snapshots are not encrypted",
    "note version: agents older than 0.1.0 made the newest points of 1 instance: 0.0.9 (1)",
  ]);
  expect(code).toBe(1);
  expect(json.totals).toEqual({
    instances: 4,
    volumes: 8,
    covered: 3,
    points: 10,
    snapshots: 14,
    overdue: 1,
  });
  expect(json.savings).toMatchObject({ retention: "last=1", points: expect.any(Number) });
  const calls = bench.apiCalls();
  expect(
    calls.filter(
      ({ action }) => !/^(Describe|GetCallerIdentity|GetServiceQuota|ListChangedBlocks)/.test(action),
    ),
  ).toEqual([]);
  expect(calls.filter(({ outcome }) => outcome?.status !== 200)).toEqual([]);
}, 120_000);

test.concurrent("what is well is told as such, and a unit that may not be looked into is wrong", async () => {
  const scenario: Scenario = {
    clock: { start: new Date(start).toISOString(), speed: 0 },
    instances: [{ id: web }],
    volumes: [
      {
        id: vol(1),
        size: 8,
        encrypted: true,
        attachments: [{ instance: web, device: "/dev/xvda" }],
        createTime: ago(90),
      },
    ],
    snapshots: [point(web, vol(1), 0.4), point(web, vol(1), 1.4)],
  };
  await using bench = await Bench.start(scenario);
  await governed(bench);
  const good = await audit(bench);
  expect([good.code, good.json.findings]).toEqual([0, []]);
  const text = await bench.execute(["sweep", "audit", "--config", bench.config]);
  expect([text.code, text.stdout]).toEqual([
    0,
    expect.stringContaining("Nothing found: 1 volume in 1 unit."),
  ]);
  const role = "arn:aws:iam::444455556666:role/none";
  const denied = await audit(bench, "--role", role);
  expect([denied.code, denied.json.findings?.[0]?.kind]).toEqual([77, "unread"]);
}, 120_000);

test.concurrent("stanzas of another tool say what is to be backed up, and all their faults are told at once", async () => {
  await using bench = await Bench.start(world());
  const file = path.join(bench.folder, "stanzas.json");
  const snapshot = { retention: "4 days", minimum: 5, frequency: "12 hours" };
  await writeFile(file, JSON.stringify({ match: { "tag:Name": "by *" }, snapshot }));
  const late = async () => {
    const { json } = await audit(bench, "--stanzas", file, "--overdue-after", "30d");
    return json.findings.filter(({ kind }) => kind === "overdue").map(({ about }) => about);
  };
  expect(await late()).toEqual([]);
  await bench.tomorrow();
  expect(await late()).toEqual([["i-0123456789abcdef1", vol(3)]]);
  await writeFile(file, JSON.stringify({ match: {}, snapshot: { ...snapshot, minimum: "x" } }));
  const faulty = await bench.execute(["sweep", "audit", "--stanzas", file, "--config", bench.config]);
  expect([faulty.code, faulty.stderr.match(/: expected /g)?.length]).toEqual([78, 2]);
  const missing = await bench.execute([
    "sweep",
    "audit",
    "--stanzas",
    `${file}.no`,
    "--config",
    bench.config,
  ]);
  expect([missing.code, missing.stderr]).toEqual([78, expect.stringContaining("no such file")]);
}, 120_000);

test.concurrent("the page tells the same as the JSON, and stays within its own walls", async () => {
  await using bench = await Bench.start({
    ...world(),
    instances: [{ id: web, name: "<script>alert(1)</script>", tags: { Backup: "yes" } }],
    volumes: [
      { id: vol(1), size: 8, attachments: [{ instance: web, device: "/dev/xvda" }], createTime: ago(90) },
    ],
    snapshots: [],
  });
  const file = path.join(bench.folder, "fleet.html");
  const { code, stdout } = await bench.execute(["sweep", "audit", "--config", bench.config, "--html", file]);
  expect([code, stdout]).toEqual([1, expect.stringContaining(`Wrote ${file}`)]);
  const page = await readFile(file, "utf8");
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  expect(page).not.toContain("<script");
  expect(page).toContain("has no backup at all");
}, 120_000);

test.concurrent("the number of overdue instances is told per account and Region, and who waits for it is told what is wrong", async () => {
  await using bench = await Bench.start(world());
  const service = await pingService();
  const urlFile = path.join(bench.folder, "webhook");
  await writeFile(urlFile, `${service.url}/webhook\n`, { mode: 0o600 });
  await writeFile(
    bench.config,
    `version: 1\nnotify: { ping: { url: "${service.url}/ping" } }\nmetrics: { namespace: EC2Backup }\n`,
    { mode: 0o600 },
  );
  await governed(bench);
  const words = ["--all-regions", "--publish", "--notify", "--webhook-file", urlFile];
  const denied = await audit(bench, ...words);
  expect([denied.code, denied.json.findings.filter(({ kind }) => kind === "untold").length]).toEqual([1, 2]);
  await governed(bench, "metrics");
  const before = bench.apiCalls().length;
  const { json } = await audit(bench, ...words);
  expect(json.findings.filter(({ kind }) => kind === "untold")).toEqual([]);
  const puts = bench
    .apiCalls()
    .slice(before)
    .filter(({ action }) => action === "PutMetricData");
  puts.sort((a, b) => (a.region ?? "").localeCompare(b.region ?? ""));
  const expected = [
    ["eu-central-1", 1],
    ["eu-west-1", 0],
  ] as const;
  expect(puts.map(({ parameters }) => parameters)).toMatchObject(
    expected.map(([region, Value]) => ({
      Namespace: "EC2Backup",
      MetricData: [
        {
          MetricName: "Overdue",
          Unit: "Count",
          Value,
          Dimensions: [
            { Name: "Account", Value: account },
            { Name: "Region", Value: region },
          ],
        },
      ],
    })),
  );
  const hooks = service.heard
    .filter(({ path: to }) => to.endsWith("/webhook"))
    .map(({ body }) => JSON.parse(body));
  expect(hooks).toHaveLength(2);
  expect(new Set(hooks.map(({ dedupKey }) => dedupKey))).toEqual(
    new Set([`ec2-backup-audit/${account}/eu-central-1+${account}/eu-west-1`]),
  );
  expect(hooks[1]).toMatchObject({ action: "trigger", severity: "error", totals: { overdue: 1 } });
  const pings = service.heard.filter(({ path: to }) => to.includes("/ping"));
  expect(pings.map(({ path: to }) => to)).toEqual(["/hush-hush/ping/fail", "/hush-hush/ping/fail"]);
  expect(pings[1]?.body).toContain("has no backup at all");
}, 120_000);

test.concurrent("what the account may have in a Region is asked of AWS, is AWS's default where it says nothing, and may be said", async () => {
  await using bench = await Bench.start({ ...world(), quotas: { "L-309BACF6": 15 } });
  await governed(bench);
  const quotas = async (...words: string[]) => {
    const { json } = await audit(bench, ...words);
    const told = json.findings.filter(({ kind }) => kind === "quota" || kind === "unread");
    return [
      ...json.units.map(({ headroom }) => headroom),
      ...told.map(({ severity, what }) => [severity, what]),
    ];
  };
  const headroom = { snapshots: 14, copiesAtOnce: 20 };
  expect(await quotas()).toEqual([
    { ...headroom, quota: 15, from: "account" },
    ["warning", "14 of the 15 snapshots that the Region may hold are there (93 %)"],
  ]);
  expect(await quotas("--quota", "14")).toEqual([
    { ...headroom, quota: 14, from: "option" },
    ["error", "14 of the 14 snapshots that the Region may hold are there (100 %)"],
  ]);
  await bench.simulator.control.settings({ deny: [{ action: "servicequotas:GetServiceQuota" }] });
  expect(await quotas()).toEqual([
    { ...headroom, quota: 100_000, from: "default" },
    ["note", expect.stringMatching(/so AWS's default of 100000 is taken: AWS answered AccessDenied/)],
  ]);
}, 120_000);
