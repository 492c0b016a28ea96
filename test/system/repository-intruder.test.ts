import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import https from "node:https";
import path from "node:path";
import { expect, type TestContext, test } from "vitest";
import { fillPolicy, type Json } from "../../src/core/policy-fill.ts";
import type { RepositoryConfig, Store } from "../../src/core/store-ports.ts";
import { policy } from "../core/points.ts";
import { folder, need } from "../host/places.ts";
import { policyNamed } from "./policies.ts";
import { asYaml, cheapenOf, configured } from "./stores/kinds.ts";
import { RestServer, rcloneCan, rcloneNeed } from "./stores/rclone.ts";
import { needRestic, oneRestic } from "./stores/restics.ts";
import type { Policy } from "./stores/s3/access.ts";
import { S3Server } from "./stores/s3-server.ts";
import type { Served } from "./stores/store-server.ts";
import { day, never, pointsIn, UpkeepStage } from "./stores/upkeep-stage.ts";

const now = Date.now();
const ago = (days: number) => new Date(now - days * day);
const shrunken = policy({ last: 1, shrinkDelay: 0 });

/** A client with real points of some days, and whoever has come in there: he has all that the client has. */
async function clientOf(context: TestContext, served: Served, program: string) {
  const secrets = path.join(await folder(), "secrets");
  const config = await configured(served, "central", secrets, { program, appendOnly: true });
  const stage = await UpkeepStage.start([config], asYaml(config).replace("{", '{ "appendOnly": true,'));
  const files = path.join(await folder(), "files");
  await mkdir(files);
  const store = await stage.store("central");
  return { context, config, stage, files, store };
}

/** What is different at each point: else data comes to the repository only if somebody changes a directory above it. */
function edit(files: string): Promise<void> {
  return writeFile(path.join(files, "a"), randomBytes(100_000));
}

/**
 * restic itself, with the client's secrets. What is refused it tries ten times, for minutes: after the third refusal it
 * is told to end. @returns whether it ended well, and what it said
 */
function restic(config: RepositoryConfig, served: Served, words: readonly string[]) {
  const password = "file" in config.password ? config.password.file : "";
  const options = Object.entries(served.options).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  const env = {
    PATH: process.env["PATH"],
    HOME: path.dirname(password),
    RESTIC_REPOSITORY: served.url,
    RESTIC_PASSWORD_FILE: password,
    ...served.environment,
  };
  const all = [...(served.cacert === undefined ? [] : ["--cacert", served.cacert]), ...options, ...words];
  return new Promise<{ readonly well: boolean; readonly said: string }>((resolve) => {
    const child = execFile(config.program ?? "", all, { env, timeout: 90_000 }, (error, stdout, stderr) =>
      resolve({ well: error === null, said: `${stdout}${stderr}` }),
    );
    let refusals = 0;
    child.stderr?.on("data", (text: string) => {
      refusals += text.split("returned error, retrying").length - 1;
      if (refusals >= 3) child.kill("SIGINT");
    });
  });
}

/** One request as anybody can make it who has the client's login. */
async function request(
  at: string,
  ca: string,
  how: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
  },
): Promise<{ readonly status: number; readonly text: string }> {
  const { method, headers, body = "" } = how;
  const authority = await readFile(ca);
  return new Promise((resolve, reject) => {
    const asked = https.request(at, { method, headers, ca: authority, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on("error", reject).end(body);
  });
}

/** Points that look like the client's own: far ahead, dated back behind each real one, now; and one twice. */
async function forge(store: Store, stage: UpkeepStage, files: string, real: { readonly point: string }) {
  await writeFile(path.join(files, "a"), "all your files are encrypted");
  for (const days of [-3650, -400, -30, -2]) await stage.save(store, files, ago(days), { policy: shrunken });
  for (const days of [1, 2, 3, 4, 5, 6])
    await stage.save(store, files, new Date(ago(days).getTime() + 3_600_000), { policy: shrunken });
  await stage.save(store, files, ago(0), { policy: shrunken });
  await stage.save(store, files, ago(0), { policy: shrunken, id: real.point });
  await stage.save(store, files, ago(0), { policy: shrunken, job: "nightly\u0000" });
}

test.for(oneRestic())(
  "an intruder on a client of a server that only appends cannot empty it, and the pruner keeps what is real, $name restic",
  { timeout: 400_000 },
  async (one, context) => {
    const program = needRestic(context, one);
    need(context, rcloneCan, rcloneNeed);
    const server = await RestServer.start({ appendOnly: true });
    context.onTestFinished(() => server[Symbol.asyncDispose]());
    const served = server.repositoryWithLogin("central");
    const { config, stage, files, store } = await clientOf(context, served, program);
    expect((await stage.one("init", "central")).code).toBe(0);
    const lies = path.join(server.directory, "files", "central");
    await cheapenOf(server, config);
    // On the server the same repository is a directory, and its clock is the server's.
    const there = { ...config, url: lies, appendOnly: false };
    const pruner = await UpkeepStage.start([there], asYaml(there), "pruner");
    const beside = await pruner.store("central");
    const real: { id: string; point: string }[] = [];
    for (const days of [6, 5, 4, 3, 2, 1, 0]) {
      await edit(files);
      const made = await stage.save(store, files, ago(days));
      await utimes(path.join(lies, "snapshots", made.id), ago(days), ago(days));
      real.push(made);
    }
    const before = (await readdir(lies, { recursive: true })).sort();

    // By restic, with the client's own rights.
    const ids = real.map(({ id }) => id);
    const tries = [
      ["forget", ...ids.slice(0, 3)],
      ["forget", "--keep-last", "1", "--prune"],
      ["tag", "--set", "x", ids[0] ?? ""],
      ["key", "remove", "all"],
    ];
    for (const words of tries) {
      const { well, said } = await restic(config, served, words);
      expect(well && !/403|unable|failed|Fatal/i.test(said), `${words[0]}: ${said}`).toBe(false);
    }
    await restic(config, served, ["prune", "--max-unused", "0"]);
    await restic(config, served, ["unlock", "--remove-all"]);
    // By requests: to delete, and to put something else in the place.
    const login = Buffer.from(`${RestServer.user}:${RestServer.password}`).toString("base64");
    const headers = { authorization: `Basic ${login}` };
    const address = served.url.replace(/^rest:/, "").replace(/\/\/[^@]*@/, "//");
    const kept = before.filter((one) => /^(data|index|keys|snapshots)\/.*[0-9a-f]{64}$|^config$/.test(one));
    expect(kept.length).toBeGreaterThan(15);
    for (const one of kept) {
      const name = one.replace(/^data\/../, "data");
      for (const method of ["DELETE", "POST"]) {
        const { status } = await request(`${address}${name}`, served.cacert ?? "", {
          method,
          headers,
          body: "x",
        });
        expect(status, `${method} ${name}`).toBeGreaterThanOrEqual(400);
      }
    }
    expect(
      (await request(address, served.cacert ?? "", { method: "DELETE", headers })).status,
    ).toBeGreaterThanOrEqual(400);
    const refused = await stage.one("prune", "central", "--forget", "--yes");
    expect([refused.code, refused.problems[0]?.code]).toEqual([2, "AppendOnly"]);
    const after = new Set(await readdir(lies, { recursive: true }));
    expect(before.filter((one) => !after.has(one) && !one.startsWith("locks/"))).toEqual([]);

    await forge(store, stage, files, real[2] ?? { point: "" });
    const judged = await pruner.one("prune", "central", "--forget");
    const problems = judged.problems.map(({ code }) => code);
    expect(problems).toContain("ClockNotBelieved");
    expect(problems).toContain("PolicyShrank");
    expect(await pointsIn(beside)).toEqual(expect.arrayContaining(real.map(({ point }) => point)));
    const left = new Set((await beside.snapshots([], never)).map(({ id }) => id));
    expect(ids.filter((id) => !left.has(id))).toEqual([]);
    // Also for who believes the shrunken policy, as long as he says himself what stays.
    await pruner.one("prune", "central", "--forget", "--yes", "--keep", "daily=14");
    const floor = new Set((await beside.snapshots([], never)).map(({ id }) => id));
    // Of today the newest stands for the day, whoever made it: no rule can tell a present lie from the truth.
    expect(ids.slice(0, 6).filter((id) => !floor.has(id))).toEqual([]);
    expect((await beside.check({ part: 1, of: 1 }, () => undefined, never)).sound).toBe(true);
  },
);

const place = { partition: "aws", region: "eu-central-1", account: "111122223333", topics: [], keys: [] };

async function filled(name: string): Promise<Policy> {
  const document = (await policyNamed(name)) as unknown as Json;
  return fillPolicy(document, { ...place, bucket: "store/repository" }) as unknown as Policy;
}

test.for(oneRestic())(
  "an intruder with the client's policy of an S3 with versions and Object Lock destroys nothing for good, $name restic",
  { timeout: 400_000 },
  async (one, context) => {
    const program = needRestic(context, one);
    const [client, prunes] = ["AKIAIOSFODNN7CLIENT0", "AKIAIOSFODNN7PRUNER0"];
    const server = await S3Server.start({
      [client]: { policy: await filled("repository-client") },
      [prunes]: { policy: await filled("repository-pruner") },
    });
    context.onTestFinished(() => server[Symbol.asyncDispose]());
    const by = (key: string) => ({
      authorization: `AWS4-HMAC-SHA256 Credential=${key}/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0`,
    });
    const ca = server.certificate.ca;
    const ask = (key: string, method: string, where: string, body = "", more = {}) =>
      request(`${server.endpoint}/store${where}`, ca, { method, headers: { ...by(key), ...more }, body });
    const lock = { "x-amz-bucket-object-lock-enabled": "true" };
    expect((await ask(S3Server.owner, "PUT", "", "", lock)).status).toBe(200);
    const rule =
      "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
    expect((await ask(S3Server.owner, "PUT", "?object-lock", rule)).status).toBe(200);

    const served = server.repository("store", client);
    const { config, stage, files, store } = await clientOf(context, served, program);
    // The client cannot even make it: `config` and `keys` are none of its business.
    expect((await stage.one("init", "central")).code).not.toBe(0);
    const own = server.repository("store", prunes);
    const secrets = path.join(await folder(), "secrets");
    const there = await configured(own, "central", secrets, { program });
    const pruner = await UpkeepStage.start([there], asYaml(there), "pruner");
    expect((await pruner.one("init", "central")).code).toBe(0);
    await cheapenOf(server, { ...there, name: "store" });
    const beside = await pruner.store("central");
    const real: { id: string; point: string }[] = [];
    for (const days of [0.03, 0.02, 0.01]) {
      await edit(files);
      real.push(await stage.save(store, files, ago(days)));
    }
    expect(await pointsIn(store)).toEqual(real.map(({ point }) => point).sort());
    const versions = async () => {
      const { text } = await ask(S3Server.owner, "GET", "?versions");
      return [...text.matchAll(/<Version>.*?<Key>(.*?)<\/Key>.*?<VersionId>(.*?)<\/VersionId>/gs)].map(
        ([, key = "", id = ""]) => ({ key, id }),
      );
    };
    const before = await versions();
    const precious = before.filter(({ key }) => !key.includes("/locks/"));
    expect(precious.length).toBeGreaterThan(8);

    for (const words of [
      ["forget", "--keep-last", "1", "--prune"],
      ["key", "remove", "all"],
    ]) {
      const { well, said } = await restic(config, served, words);
      expect(well && !/denied|failed|unable/i.test(said), said).toBe(false);
    }
    for (const { key, id } of precious) {
      expect((await ask(client, "DELETE", `/${key}`)).status, key).toBe(403);
      expect((await ask(client, "DELETE", `/${key}?versionId=${id}`)).status, key).toBe(403);
      expect(
        (
          await ask(client, "DELETE", `/${key}?versionId=${id}`, "", {
            "x-amz-bypass-governance-retention": "true",
          })
        ).status,
      ).toBe(403);
      const overwritten = (await ask(client, "PUT", `/${key}`, "garbage")).status;
      // What restic writes it may write again: then the version before is still there.
      expect(overwritten, key).toBe(/\/(config|keys\/.*)$/.test(key) ? 403 : 200);
    }
    for (const [method, where] of [
      ["DELETE", ""],
      ["PUT", "?versioning"],
      ["PUT", "?object-lock"],
      ["PUT", "?lifecycle"],
    ] as const)
      expect((await ask(client, method, where, "<x/>")).status, where).toBeGreaterThanOrEqual(400);
    const after = await versions();
    const listed = new Set(after.map(({ key, id }) => `${key} ${id}`));
    expect(before.filter(({ key, id }) => !listed.has(`${key} ${id}`) && !key.includes("/locks/"))).toEqual(
      [],
    );
    // Not even who owns the bucket removes a version that is kept, and what was overwritten comes back.
    const old = new Set(precious.map(({ id }) => id));
    const [first] = precious;
    expect((await ask(S3Server.owner, "DELETE", `/${first?.key}?versionId=${first?.id}`)).status).toBe(403);
    await server.advance(31 * day);
    for (const { key, id } of after)
      if (!old.has(id) && precious.some((one) => one.key === key))
        expect((await ask(S3Server.owner, "DELETE", `/${key}?versionId=${id}`)).status).toBeLessThan(300);
    expect((await beside.check({ part: 1, of: 1 }, () => undefined, never)).sound).toBe(true);
    expect(await pointsIn(beside)).toEqual(real.map(({ point }) => point).sort());
    // The pruner's policy is enough for what it is for.
    await beside.forget([real[0]?.id ?? ""], never);
    const pruned = await pruner.one("prune", "central");
    expect([pruned.code, pruned.outcome], JSON.stringify(pruned.problems)).toEqual([0, "done"]);
  },
);
