import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { expect, test } from "vitest";
import type { auditJson } from "../../src/cli/audit.ts";
import type { Scenario, ScenarioSnapshot } from "../../src/simulator/scenario.ts";
import { Bench } from "./bench.ts";
import { asked, notAllowed, policyNamed, superfluous } from "./policies.ts";

const GIB = 1024 ** 3;
const start = Date.parse("2027-03-20T12:00:00Z");
const web = "i-0123456789abcdef0";
const arn = `arn:aws:ec2:eu-central-1:111122223333:instance/${web}`;
const large = "vol-0123456789abcde01";
const small = "vol-0123456789abcde02";

/** A point of one snapshot; of what is written a fiftieth changes each day. */
function point(volumeId: string, daysAgo: number, more: Partial<ScenarioSnapshot> = {}): ScenarioSnapshot {
  const id = `${volumeId === large ? "a" : "b"}${String(daysAgo).padStart(2, "0")}`;
  return {
    id: `snap-${id.padStart(17, "0")}`,
    volumeId,
    volumeSize: volumeId === large ? 100 : 20,
    fullSizeBytes: (volumeId === large ? 50 : 5) * GIB,
    startTime: new Date(start - daysAgo * 86_400_000).toISOString(),
    encrypted: true,
    ...more,
    tags: {
      "ec2-backup:point": `point-${id}`,
      "ec2-backup:job": volumeId === large ? "large" : "small",
      "ec2-backup:series": `${arn}/${volumeId === large ? "large" : "small"}`,
      "ec2-backup:instance": arn,
      "ec2-backup:retention": "last=9 zone=UTC demanded=crash delay=7d",
      "ec2-backup:manifest.1": volumeId,
      ...more.tags,
    },
  };
}

/** Stored: 50 GiB, a day's GiB and six of them; 5 GiB, a tenth, and 5 GiB in the archive. */
const scenario: Scenario = {
  clock: { start: new Date(start).toISOString(), speed: 0 },
  changedPerDay: 0.02,
  instances: [{ id: web, tags: { Backup: "yes" } }],
  volumes: [
    { id: large, size: 100, encrypted: true, attachments: [{ instance: web, device: "/dev/sdf" }] },
    { id: small, size: 20, encrypted: true, attachments: [{ instance: web, device: "/dev/sdg" }] },
  ],
  snapshots: [
    ...[8, 7, 1].map((days) => point(large, days)),
    ...[3, 2].map((days) => point(small, days)),
    point(small, 90, { storageTier: "archive" }),
  ],
};
const full = { gib: 57 + 5.1, archiveGiB: 5 };

type Json = ReturnType<typeof auditJson>;

async function audit(
  bench: Bench,
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
) {
  const before = bench.apiCalls().length;
  const all = ["sweep", "audit", "--config", bench.config, "--json", ...words];
  const { stdout, stderr, code } = await bench.execute(all, { env });
  expect(stdout, stderr).not.toBe("");
  const json = JSON.parse(stdout) as Json;
  const lists = bench.apiCalls().slice(before);
  return {
    ...json,
    code,
    unread: json.findings.filter(({ kind }) => kind === "unread").map(({ what }) => what),
    lists: lists.filter(({ service }) => service === "ebs").map(({ action }) => action),
  };
}

test.concurrent("what snapshots cost is measured by the blocks that changed, and so is what another retention would save", async () => {
  await using bench = await Bench.start(scenario);
  const { cost, lists, savings, units, unread } = await audit(bench, ["--retention", "last=2"]);
  const dollars = Math.round((full.gib * 0.05 + full.archiveGiB * 0.0125) * 100) / 100;
  expect(cost).toMatchObject({
    ...full,
    dollars,
    certainty: "measured",
    snapshots: 6,
    unmeasured: 0,
    budget: 1000,
  });
  // 6 GiB are 12,288 blocks, which are two pages.
  expect([cost.requests, lists]).toEqual([4, Array(4).fill("ListChangedBlocks")]);
  expect(cost.volumes.map(({ volume, gib, certainty }) => [volume, gib, certainty])).toEqual([
    [large, 57, "measured"],
    [small, 5.1, "measured"],
  ]);
  expect(cost.instances).toMatchObject([{ instance: web, snapshots: 6, ...full }]);
  expect(units[0]?.cost).toMatchObject(full);
  // Of the larger volume the oldest goes: 50 + 1 + 6 become 50 + 6. Of the smaller the archived one.
  expect(savings).toMatchObject({ points: 2, gib: 1, archiveGiB: 5, dollars: 0.11, certainty: "measured" });
  expect(unread).toEqual([]);
}, 60_000);

test.concurrent("requests that are used up, or none, leave bounds by the full sizes; the larger volume comes first", async () => {
  await using bench = await Bench.start(scenario);
  const none = await audit(bench, ["--requests", "0"]);
  expect([none.lists, none.unread]).toEqual([[], []]);
  expect(none.cost).toMatchObject({
    gib: 150 + 10,
    archiveGiB: 5,
    certainty: "at most",
    unmeasured: 3,
    budget: 0,
  });
  // One for the newest of each volume: the larger one's has two pages, so it is not measured, and the smaller's is.
  const two = await audit(bench, ["--requests", "2"]);
  expect([two.lists.length, two.cost.requests]).toEqual([2, 2]);
  expect(two.cost).toMatchObject({ gib: 150 + 5.1, certainty: "at most", unmeasured: 2 });
  expect((await audit(bench, ["--requests", "3"])).cost).toMatchObject({ gib: 50 + 6 + 50 + 5.1 });
  const page = path.join(bench.folder, "fleet.html");
  const text = await bench.execute([
    "sweep",
    "audit",
    "--config",
    bench.config,
    "--requests",
    "3",
    "--html",
    page,
  ]);
  expect(text.stdout).toMatch(
    /6 snapshots cost at most \$5\.62 a month \(111\.1 GiB at \$0\.05, 5 GiB archived/,
  );
  expect(text.stdout).toMatch(new RegExp(`^${large} +${web} +3 +106 +at most \\$5\\.30$`, "m"));
  expect(await readFile(page, "utf8")).toContain("at most $5.62 a month");
}, 60_000);

const configure = (bench: Bench, sweep: string) =>
  writeFile(bench.config, `version: 1\n${sweep}\n`, { mode: 0o600 });

test.concurrent("requests and prices are those of the file, a flag wins, and what the file does not name stays", async () => {
  await using bench = await Bench.start(scenario);
  const price = "price: { standard: 0.1, asOf: 2027-01 }";
  await configure(bench, `sweep: { audit: { requests: 3, ${price} } }`);
  const { cost, lists } = await audit(bench);
  expect([lists.length, cost.budget, cost.gib]).toEqual([3, 3, 50 + 6 + 50 + 5.1]);
  expect(cost.prices).toEqual({ asOf: "2027-01", standard: 0.1, archive: 0.0125 });
  expect(cost.dollars).toBeCloseTo(111.1 * 0.1 + 5 * 0.0125, 2);
  const more = await audit(bench, ["--requests", "1000"]);
  expect(more.cost).toMatchObject({ ...full, budget: 1000, certainty: "measured", prices: cost.prices });
  const { lists: none } = await audit(bench, ["--requests", "0"]);
  expect(none).toEqual([]);
  await configure(bench, "sweep: { audit: { requests: 0 } }");
  const without = await audit(bench);
  expect([without.lists, without.cost.budget, without.cost.prices.standard]).toEqual([[], 0, 0.05]);
  const shown = await bench.execute(["check-config", "--config", bench.config]);
  expect(shown.stdout).toMatch(/sweep\.audit\.requests +0 /);
  // A price that nobody has is no reason to tell a cost that nobody pays.
  await configure(bench, "sweep: { audit: { price: { standard: 400 } } }");
  const before = bench.apiCalls().length;
  const bad = await bench.execute(["sweep", "audit", "--config", bench.config]);
  expect([bad.code, bad.stderr]).toEqual([
    78,
    expect.stringContaining(
      "sweep.audit.price.standard: expected a number of dollars from 0 to 100, found 400",
    ),
  ]);
  expect(bench.apiCalls().length).toBe(before);
}, 60_000);

test.concurrent("what may not be listed, is throttled for long or fails in the middle is told, and stays a bound", async () => {
  await using bench = await Bench.start(scenario);
  const { control } = bench.simulator;
  await control.settings({ deny: [{ action: "ebs:ListChangedBlocks" }] });
  const denied = await audit(bench);
  // After one that is denied no other is asked for; the SDK itself asks again, as its clock is not the simulator's.
  const pairs = bench
    .apiCalls()
    .flatMap(({ service, parameters }) => (service === "ebs" ? [parameters] : []));
  expect([new Set(pairs.map((one) => JSON.stringify(one))).size, denied.code, denied.cost.gib]).toEqual([
    1, 0, 160,
  ]);
  expect(denied.unread).toEqual([
    expect.stringMatching(
      /^what changed .* so 3 snapshots count with all that they could store: AWS answered Access/,
    ),
  ]);
  await control.settings({ deny: [] });
  // The second page of the newest: the rest of the snapshots is measured all the same.
  control.faults([{ kind: "500", action: "ListChangedBlocks", skip: 1, count: 3 }]);
  const midway = await audit(bench);
  expect(midway.cost).toMatchObject({ gib: 50 + 1 + 50 + 5.1, certainty: "at most", unmeasured: 1 });
  expect([midway.lists.length, midway.unread]).toEqual([1 + 3 + 2, []]);
  // What passes is waited for: the SDK sends it again, and that counts.
  control.faults([{ kind: "throttle", action: "ListChangedBlocks", count: 1 }]);
  expect((await audit(bench)).cost).toMatchObject({ ...full, certainty: "measured", requests: 5 });
  control.faults([{ kind: "throttle", action: "ListChangedBlocks", count: "always" }]);
  const throttled = await audit(bench);
  expect([throttled.lists.length, throttled.cost.gib, throttled.unread.length]).toEqual([3, 160, 1]);
}, 60_000);

/** EC2 as it is with snapshots of which it does not tell how much is written. */
async function untelling(bench: Bench) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { "content-length": _, host: _host, connection: _connection, ...headers } = request.headers;
    const answer = await fetch(`${bench.simulator.url}${request.url}`, {
      method: request.method ?? "POST",
      headers: headers as Record<string, string>,
      body: Buffer.concat(chunks),
    });
    const text = (await answer.text()).replaceAll(
      /<fullSnapshotSizeInBytes>\d+<\/fullSnapshotSizeInBytes>/g,
      "",
    );
    const date = answer.headers.get("date") ?? "";
    response.writeHead(answer.status, { "content-type": "text/xml", date }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    env: { AWS_ENDPOINT_URL_EC2: `http://127.0.0.1:${port}` },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test.concurrent("where EC2 does not tell how much is written, that is listed; the policy has all of it, and nothing more", async () => {
  const key = "0a000000-0000-4000-8000-000000000000";
  const kmsKeyId = `arn:aws:kms:eu-central-1:111122223333:key/${key}`;
  const snapshots = [...(scenario.snapshots ?? []), point(small, 80, { kmsKeyId, storageTier: "archive" })];
  await using bench = await Bench.start({
    ...scenario,
    keys: [{ id: key }],
    snapshots,
    places: [{ region: "eu-west-1" }],
  });
  await using ec2 = await untelling(bench);
  const policy = await policyNamed("audit");
  await bench.simulator.control.settings({
    policies: [{ principal: "*", documents: [JSON.stringify(policy)] }],
  });
  const { cost, lists, unread } = await audit(bench, ["--all-regions"], ec2.env);
  // 50 GiB are eleven pages, 5 GiB two; archived ones count with their volumes.
  expect([lists.filter((one) => one === "ListSnapshotBlocks").length, unread]).toEqual([11 + 2, []]);
  expect(cost).toMatchObject({ gib: full.gib, archiveGiB: 40, certainty: "at most", unmeasured: 1 });
  const needed = asked(bench.simulator, 0, ":");
  expect(notAllowed([policy], needed)).toEqual([]);
  expect(superfluous([policy], needed)).toEqual([]);
}, 60_000);
