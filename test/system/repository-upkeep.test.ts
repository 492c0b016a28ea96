import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import type { RunReport } from "../../src/core/report.ts";
import { storedPoints } from "../../src/core/store-point.ts";
import type { RepositoryConfig } from "../../src/core/store-ports.ts";
import { policy } from "../core/points.ts";
import { folder } from "../host/places.ts";
import { asYaml, configured, local, ready } from "./stores/kinds.ts";
import { needRestic, oneRestic, type Restic, restics, systemRestic } from "./stores/restics.ts";
import { S3Server } from "./stores/s3-server.ts";
import { day, never, pointsIn, UpkeepStage } from "./stores/upkeep-stage.ts";

/** Two repositories in directories, of a host that checks the one in three parts and mirrors it to the other. */
async function stageOf(
  context: TestContext,
  restic: Restic,
  mirror = "retention: { daily: 4 }",
  bounds: Partial<RepositoryConfig> = {},
) {
  const program = needRestic(context, restic);
  const server = await local.start();
  context.onTestFinished(() => server[Symbol.asyncDispose]());
  const secrets = path.join(await folder(context), "secrets");
  const configOf = (name: string) =>
    configured(server.repository(name), name, secrets, { program, ...bounds });
  const configs = [await configOf("central"), await configOf("offsite")] as const;
  const more = ` check: { schedule: "0 6 * * 6", subset: 1/3 }, mirror: { to: offsite, ${mirror} } }\n`;
  const lines = asYaml(configs[0]).replace(/\}\n$/, `,${more}`) + asYaml(configs[1]);
  const stage = await UpkeepStage.start(configs, lines, "build", context);
  const files = path.join(await folder(context), "files");
  await mkdir(files);
  await writeFile(path.join(files, "a"), randomBytes(200_000));
  for (const config of configs) await ready(server, config);
  // They are there: that is noted.
  expect((await stage.upkeep("init")).code).toBe(0);
  const [central, offsite] = [await stage.store("central"), await stage.store("offsite")];
  return { stage, configs, lines, files, central, offsite };
}

const now = Date.now();
const ago = (days: number) => new Date(now - days * day);

// They wait for most of their time.
describe.concurrent.each(restics())("$name restic", (restic) => {
  test("a check, a prune and a run get past what a dying server left, complete and say so", async (context) => {
    const { expect } = context;
    const { stage, central, files } = await stageOf(context, restic);
    const { id } = await stage.saved(central, files, ago(1));
    const name = (char: string) => char.repeat(64);
    const place = central.config.url;
    const empty = (char: string) => writeFile(path.join(place, "snapshots", name(char)), "");
    const mended = (found: RegExp) =>
      expect.objectContaining({
        severity: "warning",
        code: "Mended",
        found: expect.stringMatching(found),
        remedy: expect.stringContaining("check central"),
      });

    const reportOf = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout || "{}") as { reports?: RunReport[] }).reports?.[0];
    const halve = async (char: string) => {
      const [index = ""] = await readdir(path.join(place, "index"));
      const half = (await readFile(path.join(place, "index", index))).subarray(0, 70);
      await writeFile(path.join(place, "index", name(char)), half);
    };
    await halve("a");
    const checked = await stage.one("check", "central");
    expect([checked.code, checked.outcome, checked.check?.sound]).toEqual([0, "done", true]);
    expect(checked.problems).toEqual([mended(/made anew/)]);
    expect((await stage.one("check", "central")).problems).toEqual([]);
    await halve("b");
    const pruned = await stage.one("prune", "central");
    expect([pruned.code, pruned.problems]).toEqual([0, [mended(/made anew/)]]);

    // Both at once.
    await halve("c");
    await empty("d");
    const run = await stage.run(["run", "--json"]);
    const report = reportOf(run);
    expect([run.code, report?.outcome, report?.stored?.[0]?.outcome], run.stderr).toEqual([
      0,
      "done",
      "made",
    ]);
    for (const what of [/made anew/, /dddddddd.*afresh/])
      expect(report?.problems).toContainEqual(mended(what));

    // Nothing of a snapshot goes unless somebody says so, and nothing that it may have named before.
    const refused = await stage.one("prune", "central");
    expect([refused.code, refused.outcome]).toEqual([2, "not-done"]);
    const told = await stage.one("check", "central");
    expect([told.code, told.problems[0]?.remedy]).toEqual([1, expect.stringContaining("--remove-empty")]);
    expect(await readdir(path.join(place, "snapshots"))).toContain(name("d"));
    const removed = await stage.one("check", "central", "--remove-empty");
    expect([removed.code, removed.check?.sound]).toEqual([0, true]);
    expect(removed.problems).toEqual([mended(/dddddddd was removed.*recover/)]);

    // What holds something is left, and keeps nothing from being saved.
    const file = path.join(place, "snapshots", name("e"));
    await writeFile(file, (await readFile(path.join(place, "snapshots", id))).subarray(0, 50));
    const around = await stage.run(["run", "--json"]);
    expect(around.code, around.stderr).toBe(0);
    expect(reportOf(around)?.problems).toContainEqual(mended(/eeeeeeee.*afresh/));
    expect((await readFile(file)).length).toBe(50);
    const unsound = await stage.one("check", "central", "--remove-empty");
    expect([unsound.code, unsound.check?.sound]).toEqual([1, false]);
  });

  test("checks the structure each time and all the data in turns, and says what is damaged until it is mended", async (context) => {
    const { stage, central, files } = await stageOf(context, restic);
    for (const index of [1, 2, 3, 4]) {
      await writeFile(path.join(files, `b${index}`), randomBytes(300_000));
      await stage.saved(central, files, ago(index));
    }
    const read: (string | undefined)[] = [];
    for (const _ of [1, 2, 3]) {
      const { code, check, outcome } = await stage.one("check", "central");
      expect([code, outcome, check?.sound]).toEqual([0, "done", true]);
      read.push(check?.read);
    }
    expect(read.toSorted()).toEqual(["1/3", "2/3", "3/3"]);
    const structure = await stage.one("check", "central", "--structure-only");
    expect([structure.code, structure.check?.read]).toEqual([0, undefined]);

    const data = path.join(central.config.url, "data");
    const [pack = ""] = (await readdir(data, { recursive: true })).filter((one) => /[0-9a-f]{64}$/.test(one));
    const bytes = await readFile(path.join(data, pack));
    const damaged = Buffer.from(bytes);
    damaged[100] = (damaged[100] ?? 0) ^ 0xff;
    await writeFile(path.join(data, pack), damaged);
    let found: Awaited<ReturnType<typeof stage.one>> | undefined;
    for (let turn = 0; turn < 3 && found?.outcome !== "unsound"; turn += 1)
      found = await stage.one("check", "central");
    expect([found?.code, found?.outcome, found?.check?.sound]).toEqual([1, "unsound", false]);
    expect(found?.problems[0]).toMatchObject({ severity: "error", code: "RepositoryUnsound" });
    expect(found?.problems[0]?.remedy).toMatch(/prune nothing.*its copies are in offsite/);
    // The same part again, until it is sound.
    const again = await stage.one("check", "central");
    expect([again.check?.read, again.outcome]).toEqual([found?.check?.read, "unsound"]);
    const listed = await stage.run(["repository", "list", "central"]);
    expect([listed.code, listed.stdout]).toEqual([0, expect.stringMatching(/check .*UNSOUND/s)]);
    await writeFile(path.join(data, pack), bytes);
    expect((await stage.one("check", "central")).outcome).toBe("done");
  }, 120_000);

  test("mirrors what is complete, sees it there, mirrors no deletion, and keeps it as the mirror says", async (context) => {
    const { stage, central, offsite, files } = await stageOf(context, restic);
    const made = [];
    for (const days of [3, 2, 1]) made.push(await stage.saved(central, files, ago(days)));
    const other = await stage.saved(central, files, ago(1), { host: "other" });
    const partial = await stage.saved(central, files, ago(0));
    const order = { tags: [], host: "build", time: ago(0) };
    await central.markPartial(partial.id, [{ path: "/x", found: "denied" }], order, never);
    const forged = await stage.save(central, files, ago(-30));

    const dry = await stage.one("mirror", "central", "--dry-run");
    expect([dry.code, dry.mirror?.copied.length, await pointsIn(offsite)]).toEqual([0, 3, []]);
    const first = await stage.one("mirror", "central");
    expect([first.code, first.outcome, first.mirror?.copied.length], JSON.stringify(first)).toEqual([
      0,
      "done",
      3,
    ]);
    expect(first.problems).toMatchObject([{ severity: "warning", code: "ClockNotBelieved" }]);
    expect(await pointsIn(offsite)).toEqual(made.map(({ point }) => point).sort());
    const second = await stage.one("mirror", "central");
    expect([second.mirror?.copied, second.mirror?.there]).toEqual([[], 3]);

    // All hosts', when that is said.
    const all = await stage.one("mirror", "central", "--all-hosts");
    expect(all.mirror?.copied.map(({ point }) => point)).toEqual([other.point]);
    // Gone at the source, and there still.
    await central.forget([made[0]?.id ?? "", forged.id], never);
    expect((await stage.one("mirror", "central")).outcome).toBe("done");
    expect(await pointsIn(offsite)).toContain(made[0]?.point);

    // Four days are kept there; what is older than that is not copied for ever anew.
    for (const days of [9, 8, 7, 0]) await stage.saved(central, files, ago(days));
    const third = await stage.one("mirror", "central");
    expect([third.outcome, third.mirror?.copied.length]).toEqual(["done", 1]);
    expect((await pointsIn(offsite)).length).toBe(5);
    const audit = await readFile(path.join(stage.directory, "state", "removals.jsonl"), "utf8").catch(
      () => "",
    );
    expect(audit).toBe("");
    const restored = await offsite.check(undefined, () => undefined, never);
    expect(restored.sound).toBe(true);

    // Whoever made it had died, and only the next run has judged what it left.
    const late = made[2] ?? expect.fail();
    await central.markPartial(late.id, [{ path: "/x", found: "killed" }], order, never);
    const fourth = await stage.one("mirror", "central");
    expect([fourth.outcome, fourth.mirror?.copied], JSON.stringify(fourth.problems)).toEqual(["done", []]);
    const copies = storedPoints(await offsite.snapshots([], never), { repository: "offsite" });
    const halves = copies.filter(({ state }) => state === "partial");
    expect(halves.map(({ id }) => id)).toEqual([late.point]);
    const [marker = ""] = halves[0]?.stored?.markers ?? [];
    expect(await offsite.unreadOf(marker, never)).toEqual([{ path: "/x", found: "killed" }]);
  }, 120_000);
});

describe.each(oneRestic("a current"))("$name restic, as any", (restic) => {
  test("completes a mirror that was killed in the middle", async (context) => {
    const { stage, central, offsite, files } = await stageOf(context, restic, "hosts: own");
    for (const days of [6, 5, 4, 3, 2, 1]) {
      await writeFile(path.join(files, `f${days}`), randomBytes(3_000_000));
      await stage.saved(central, files, ago(days));
    }
    // As soon as data has come, then as soon as some points are there.
    for (const [kind, count] of [
      ["data", 1],
      ["snapshots", 1],
      ["snapshots", 3],
    ] as const) {
      const seen = path.join(offsite.config.url, kind);
      const ended = await stage.run(["repository", "mirror", "central"], (pid) => {
        let killed = false;
        const look = setInterval(async () => {
          const there = (await readdir(seen, { recursive: true })).filter((one) => /[0-9a-f]{64}$/.test(one));
          if (killed || there.length < count) return;
          killed = true;
          clearInterval(look);
          process.kill(pid, "SIGKILL");
        }, 20);
        context.onTestFinished(() => clearInterval(look));
      });
      expect(ended.signal).toBe("SIGKILL");
    }
    expect((await pointsIn(offsite)).length).toBeLessThan(6);
    const whole = await stage.one("mirror", "central");
    expect([whole.code, whole.outcome], JSON.stringify(whole.problems)).toEqual([0, "done"]);
    expect(await pointsIn(offsite)).toEqual(await pointsIn(central));
    expect((await offsite.check({ part: 1, of: 1 }, () => undefined, never)).sound).toBe(true);
  }, 120_000);

  test("prunes elsewhere what each series records, under the brake, and nowhere where it may only append", async (context) => {
    const { stage, central, files, lines } = await stageOf(context, restic);
    const small = policy({ daily: 2, shrinkDelay: 0 });
    for (const days of [6, 5, 4, 3, 2, 1, 0]) await stage.saved(central, files, ago(days), { policy: small });
    for (const days of [3, 2]) await stage.saved(central, files, ago(days), { host: "other" });
    await central.saveFiles(
      {
        tags: ["by-hand"],
        host: "x",
        time: ago(0),
        paths: [files],
        exclude: [],
        oneFileSystem: false,
        excludeCaches: false,
      },
      () => undefined,
      never,
    );
    const plain = await stage.one("prune", "central");
    expect([plain.code, plain.prune?.series]).toEqual([0, []]);
    const first = await stage.one("prune", "central", "--forget");
    expect([first.code, first.outcome]).toEqual([1, "degraded"]);
    expect(
      first.prune?.series.map(({ series, kept, removed, postponed }) => [
        series,
        kept,
        removed.length,
        postponed.length,
      ]),
    ).toEqual([
      ["host/build/nightly/files", 4, 3, 2],
      ["host/other/nightly/files", 2, 0, 0],
    ]);
    const kept = await stage.one("prune", "central", "--forget", "--yes", "--keep", "daily=4");
    expect([kept.code, kept.prune?.series[0]?.removed]).toEqual([0, []]);
    const second = await stage.one("prune", "central", "--forget");
    expect([second.code, second.prune?.series[0]?.kept]).toEqual([0, 2]);
    expect((await central.snapshots([], never)).filter(({ tags }) => tags.includes("by-hand"))).toHaveLength(
      1,
    );
    expect(
      (await readFile(path.join(stage.directory, "state", "removals.jsonl"), "utf8")).trim().split("\n"),
    ).toHaveLength(10);

    await stage.configure(
      lines.replace("central: {", "central: { appendOnly: true,").replace('"appendOnly":false,', ""),
    );
    for (const words of [
      ["prune", "central"],
      ["prune", "central", "--forget", "--yes"],
    ]) {
      const refused = await stage.one(...words);
      expect([refused.code, refused.problems[0]?.code]).toEqual([2, "AppendOnly"]);
      expect(refused.problems[0]?.remedy).toContain("prune --forget");
    }
    const usage = await stage.run(["repository", "prune", "central", "--keep", "daily=4"]);
    expect([usage.code, usage.stderr]).toEqual([64, expect.stringContaining("add --forget")]);
  }, 120_000);

  test("makes no repository in the place of one that is only not mounted", async (context) => {
    const { stage, central } = await stageOf(context, restic);
    const away = `${central.config.url}-away`;
    await rename(central.config.url, away);
    const checked = await stage.one("check", "central");
    expect([checked.code, checked.outcome]).toEqual([2, "not-done"]);
    expect(checked.problems[0]?.remedy).toMatch(/it was there on .*mounted; do not make a new one/);
    const listed = await stage.run(["repository", "list"]);
    expect([listed.code, listed.stdout.replace(/\s+/g, " ")]).toEqual([
      1,
      expect.stringContaining("do not make a new one"),
    ]);
    const refused = await stage.one("init", "central");
    expect([refused.code, refused.problems[0]?.code]).toEqual([2, "WasThere"]);
    await expect(readdir(central.config.url)).rejects.toThrow("ENOENT");
    expect((await stage.one("init", "central", "--anew")).outcome).toBe("done");
    // Another one in the place of the one before is told, too.
    await rm(central.config.url, { recursive: true });
    await rename(away, central.config.url);
    const other = await stage.one("check", "central");
    expect(other.problems[0]).toMatchObject({ code: "AnotherRepository" });
    expect((await stage.one("init", "central")).outcome).toBe("done");
    expect((await stage.one("check", "central")).outcome).toBe("done");
  }, 120_000);
});

/** Somebody at work on a repository: restic that reads a backup from a stream that does not end. */
async function atWork({ url, password, program = "" }: RepositoryConfig, home: string) {
  const env = {
    ...{ PATH: process.env["PATH"], HOME: home, RESTIC_REPOSITORY: url },
    RESTIC_PASSWORD_FILE: "file" in password ? password.file : "",
  };
  const child = spawn(program, ["backup", "--stdin"], { env, stdio: ["pipe", "ignore", "ignore"] });
  child.stdin?.on("error", () => undefined);
  child.stdin?.write("x");
  const ended = once(child, "exit");
  await expect.poll(() => readdir(path.join(url, "locks")), { timeout: 30_000 }).toHaveLength(1);
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return { pid: child.pid ?? 0, kill };
}

test("tells who holds a lock, takes away one that nobody holds, and is alone at work here", async (context) => {
  const { stage, configs, central, files } = await stageOf(context, systemRestic, undefined, {
    lockWait: 2_000,
  });
  const worker = await atWork(configs[0], stage.directory);
  const held = await stage.one("unlock", "central");
  expect([held.code, held.outcome]).toEqual([1, "degraded"]);
  expect(held.problems[0]?.found).toMatch(
    new RegExp(`^process ${worker.pid} of \\S+ on \\S+ has a lock .* for \\d+ s$`),
  );
  const listed = await stage.run(["repository", "list", "central"]);
  expect([listed.code, listed.stdout.replace(/\s+/g, " ")]).toEqual([
    0,
    expect.stringContaining(`by process ${worker.pid} of`),
  ]);
  // What needs it for itself waits, and then says for whom.
  const locked = await stage.one("prune", "central");
  expect([locked.code, locked.outcome], JSON.stringify(locked.problems)).toEqual([75, "not-done"]);
  expect(locked.problems[0]?.found).toContain(`process ${worker.pid} of`);
  expect(locked.problems[0]?.remedy).toContain("repository unlock central");
  await worker.kill();
  const dead = await stage.one("unlock", "central", "--dry-run");
  expect([dead.code, (await central.locks(never)).length]).toEqual([0, 1]);
  const lock = new RegExp(`the lock [0-9a-f]{8} of process ${worker.pid} of`);
  expect(dead.problems[0]?.found).toMatch(new RegExp(`^would be removed: ${lock.source}`));
  const freed = await stage.one("unlock", "central");
  expect([freed.code, freed.problems.map(({ severity }) => severity)]).toEqual([0, ["notice"]]);
  expect(freed.problems[0]?.found).toMatch(new RegExp(`^removed: ${lock.source}`));
  expect(await central.locks(never)).toEqual([]);
  expect((await stage.one("unlock", "central")).problems[0]?.found).toBe("there is no lock");

  await stage.saved(central, files, ago(0));
  const both = await Promise.all([stage.one("mirror", "central"), stage.one("check", "offsite")]);
  expect(both.map(({ code, outcome }) => [code, outcome])).toEqual([
    [0, "done"],
    [0, "done"],
  ]);
}, 120_000);

test("mirrors from a directory to S3 and keeps its metrics for Prometheus", async (context) => {
  const program = needRestic(context, systemRestic);
  const server = await S3Server.start();
  const there = await local.start();
  context.onTestFinished(async () => {
    await server[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
  });
  const secrets = path.join(await folder(), "secrets");
  const central = await configured(there.repository("central"), "central", secrets, { program });
  const offsite = await configured(server.repository("store"), "offsite", secrets, { program });
  const lines =
    asYaml(central).replace(/\}\n$/, ", mirror: { to: offsite, hosts: all } }\n") + asYaml(offsite);
  const stage = await UpkeepStage.start([central, offsite], lines);
  const prometheus = path.join(stage.directory, "prometheus");
  await mkdir(prometheus);
  const metrics = `metrics: { output: prometheus, prometheus: { directory: ${prometheus} } }\n`;
  await stage.configure(lines + metrics);
  await ready(there, central);
  await ready(server, { ...offsite, name: "store" });
  expect((await stage.upkeep("init")).code).toBe(0);
  const files = path.join(await folder(), "files");
  await mkdir(files);
  await writeFile(path.join(files, "a"), randomBytes(100_000));
  const source = await stage.store("central");
  const made = [await stage.saved(source, files, ago(2)), await stage.saved(source, files, ago(1))];
  expect(await stage.one("mirror")).toMatchObject({ code: 0, outcome: "done" });
  expect(await pointsIn(await stage.store("offsite"))).toEqual(made.map(({ point }) => point));
  const [file = ""] = await readdir(prometheus);
  const text = await readFile(path.join(prometheus, file), "utf8");
  expect(text).toMatch(
    /ec2_backup_errors\{server="build",backup_job="repository:central",upkeep="mirror"\} 0/,
  );
  await server.crash();
  // restic itself looks for who is gone for a quarter of a minute.
  const impatient = lines.replaceAll(/"idleTimeout":"\d+ms"/g, '"idleTimeout":"5s"');
  expect(impatient).not.toBe(lines);
  await stage.configure((process.env["SOAK"] === undefined ? impatient : lines) + metrics);
  const failed = await stage.one("mirror");
  expect([failed.code, failed.outcome]).toEqual([69, "not-done"]);
  expect(await readFile(path.join(prometheus, file), "utf8")).toMatch(/upkeep="mirror"\} 1/);
  expect((await stage.state("central")).mirror).toMatchObject({
    report: { outcome: "not-done" },
    lastGood: expect.anything(),
  });
}, 120_000);

test("names that nobody has, and repositories that nobody mirrors, are refused with what there is", async (context) => {
  const { stage } = await stageOf(context, systemRestic);
  const unknown = await stage.run(["repository", "check", "centre"]);
  expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining("central, offsite")]);
  const none = await stage.one("mirror", "offsite");
  expect([none.code, none.problems[0]?.remedy]).toEqual([
    78,
    expect.stringContaining("repositories.offsite.mirror"),
  ]);
  const slot = "2027-06-15T12:00:00.000Z";
  await stage.one("check", "offsite", "--trigger", "schedule", "--slot", slot);
  expect((await stage.state("offsite")).check).toMatchObject({ lastSlot: slot });
  const checked = await stage.run(["--json", "check-config"]);
  const { timetable } = JSON.parse(checked.stdout) as { timetable: { job: string; schedule: string }[] };
  expect(
    timetable.filter(({ job }) => job.startsWith("repository/")),
    checked.stdout,
  ).toMatchObject([{ job: "repository/central/check", schedule: "0 6 * * 6", timezone: "UTC" }]);
  const status = await stage.run(["status", "--offline"]);
  // Its first check is not overdue before its schedule says so.
  expect([status.code, status.stdout]).toEqual([1, expect.stringMatching(/central +check +never +7 d *\n/)]);
  for (const words of [["--help"], ["check", "--help"]]) {
    const help = await stage.run(["repository", ...words]);
    expect([help.code, help.stdout]).toEqual([0, expect.stringContaining("Examples:")]);
    expect(Math.max(...help.stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  }
}, 60_000);
