import { existsSync } from "node:fs";
import { mkdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { ReportPage } from "../../src/core/report-page.ts";
import type { Status } from "../../src/core/status.ts";
import { instance } from "../system/history.ts";
import { Host } from "./host.ts";

const nightly = { Backup: "yes", Schedule: "0 2 * * *" };
const statusOf = async (host: Host, ...words: string[]) => {
  const { code, json } = await host.ask("status", ...words);
  return { code, status: json as unknown as Status };
};

describe("report", () => {
  test("is HTML on stdout, Markdown or JSON on demand, of what AWS has and this host remembers", async (context) => {
    const host = await Host.start(context, nightly, 5);
    await host.bench.execute(["run"]);
    const html = await host.bench.execute(["report"]);
    expect([html.code, html.stdout.slice(0, 15)]).toEqual([0, "<!DOCTYPE html>"]);
    expect(html.stdout).toContain("All 2 volumes are protected as promised");
    const md = await host.bench.execute(["report", "default", "--format", "md"]);
    expect([md.code, md.stdout.slice(0, 17)]).toEqual([0, "# Backups of host"]);
    const page = JSON.parse((await host.bench.execute(["report", "--format", "json"])).stdout) as ReportPage;
    expect(page.jobs[0]?.points.map(({ state }) => state)).toEqual(["pending", ...Array(5).fill("complete")]);
    expect(page.jobs[0]?.runs).toHaveLength(1);
    expect(page.jobs[0]?.forecast?.runs).toBe(56);
    const { json, code } = await host.ask("report");
    expect([code, json]).toMatchObject([0, { exitCode: 0, report: { version: 1, verdict: "good" } }]);
  });

  test("knows what an image holds, and changes nothing", async (context) => {
    const host = await Host.start(context, nightly, 9);
    const { json } = await host.ask("report");
    const { report } = json as unknown as { report: ReportPage };
    const oldest = report.jobs[0]?.points.at(-1);
    expect(oldest).toMatchObject({ verdict: "keep", holds: [expect.stringContaining("ami: ")] });
    expect(oldest).not.toHaveProperty("leaves");
    expect(report.jobs[0]?.points[0]).toHaveProperty("leaves");
    const calls = new Set(host.bench.apiCalls().map(({ action }) => action));
    expect([...calls].filter((action) => !action.startsWith("Describe"))).toEqual([]);
  });

  test("stands without the right to ask for images, and says so", async (context) => {
    const host = await Host.start(context, nightly, 9);
    await host.bench.simulator.control.settings({ deny: [{ action: "ec2:DescribeImages" }] });
    const { code, json } = await host.ask("report");
    const { report } = json as unknown as { report: ReportPage };
    expect(code).toBe(0);
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        severity: "notice",
        says: expect.stringContaining("look for images and locks"),
      }),
    );
  });

  test("is written to a file as a whole, for its owner, in the format of its ending", async (context) => {
    const host = await Host.start(context, nightly, 3);
    const { folder } = host.bench;
    for (const [name, start] of [
      ["r.html", "<!DOCTYPE html>"],
      ["r.MD", "# Backups"],
      ["r.json", "{"],
    ] as const) {
      const file = path.join(folder, name);
      const { code, stdout } = await host.bench.execute(["report", "--output", file]);
      expect([code, stdout]).toEqual([0, expect.stringContaining(`Wrote ${file} (`)]);
      expect((await readFile(file, "utf8")).slice(0, start.length)).toBe(start);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    }
    const link = path.join(folder, "latest.html");
    await symlink(path.join(folder, "r.html"), link);
    expect((await host.ask("report", "--output", link)).json).toMatchObject({ format: "html" });
    expect(await readlink(link)).toBe(path.join(folder, "r.html"));
  });

  test("replaces nothing that is no file, and tells what it cannot write", async (context) => {
    const host = await Host.start(context, nightly, 1);
    const directory = path.join(host.bench.folder, "directory");
    await mkdir(directory);
    for (const target of [directory, "/dev/null"]) {
      const { code, json } = await host.ask("report", "--output", target);
      expect([code, json.error?.found]).toEqual([64, "it is there and no regular file"]);
    }
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    const below = await host.ask("report", "--output", path.join(host.bench.config, "r.html"));
    expect(below).toMatchObject({ code: 73, json: { error: { kind: "cannot-write" } } });
    const absent = path.join(host.bench.folder, "absent");
    const nowhere = await host.ask("report", "--output", path.join(absent, "deep", "r.html"));
    expect(nowhere).toMatchObject({
      code: 73,
      json: {
        error: { kind: "cannot-write", found: `there is no such directory: ${path.join(absent, "deep")}` },
      },
    });
    expect(existsSync(absent)).toBe(false);
  });

  test("of a job that nobody knows is wrong usage, and of a host without AWS unreachable", async (context) => {
    const host = await Host.start(context, nightly, 1);
    const unknown = await host.ask("report", "absent");
    expect(unknown).toMatchObject({ code: 64, json: { error: { kind: "usage" } } });
    await host.bench.simulator.control.settings({ imds: { enabled: false } });
    expect((await host.ask("report")).code).toBe(69);
  });

  test("of an instance that nothing protects says what to add; of its former points what they are", async (context) => {
    const host = await Host.start(context, {}, 2);
    const { json, code } = await host.ask("report");
    const { report } = json as unknown as { report: ReportPage };
    expect(code).toBe(0);
    expect(report).toMatchObject({ verdict: "failing", headline: "No volume is backed up" });
    expect(report.findings[0]).toMatchObject({
      severity: "error",
      remedy: expect.stringContaining("Backup=yes"),
    });
    expect(report.jobs).toMatchObject([{ job: "default", configured: false }]);
  });
});

describe("status", () => {
  test("tells the next run and each volume's age against the promise, without asking AWS", async (context) => {
    const host = await Host.start(context, nightly, 3);
    await host.bench.execute(["run"]);
    const before = host.bench.apiCalls().length;
    const { code, status } = await statusOf(host);
    expect(code).toBe(0);
    expect(host.bench.apiCalls()).toHaveLength(before);
    expect(status).toMatchObject({ from: "host", protection: "protected" });
    const [job] = status.jobs;
    expect(job?.volumes.map(({ verdict }) => verdict)).toEqual(["kept", "kept"]);
    expect(job?.volumes[0]).toMatchObject({ newest: expect.any(String), settling: expect.any(String) });
    expect(job).toMatchObject({ promise: { seconds: 26 * 3600 }, schedule: "0 2 * * *" });
    expect(job?.next?.slot).toMatch(/T02:00:00\.000Z$/);
    const text = await host.bench.execute(["status"]);
    expect(text.stdout).toMatch(/VOLUME +DEVICE +JOB +NEWEST COMPLETE +PROMISED/);
    expect(text.stdout).toContain("whether alarms watch it is not known here");
  });

  test("exits 1 when a volume is overdue; --refresh asks AWS, which may know better", async (context) => {
    const host = await Host.start(context, nightly, 3);
    await host.bench.execute(["run"]);
    const file = path.join(host.bench.state, instance.id, "job-default.json");
    const kept = JSON.parse(await readFile(file, "utf8"));
    const old = new Date(Date.now() - 90 * 3_600_000).toISOString();
    const volumes = kept.volumes.map(({ volume, device }: { volume: string; device: string }) => ({
      volume,
      device,
      newest: old,
    }));
    await writeFile(file, JSON.stringify({ ...kept, volumes }));
    const remembered = await host.bench.execute(["status", "--offline"]);
    expect(remembered.code).toBe(1);
    expect(remembered.stdout).toMatch(/OVERDUE\n/);
    expect(remembered.stdout).toContain("Ask AWS: ec2-backup status --refresh");
    const asked = await statusOf(host);
    expect([asked.code, asked.status.from, asked.status.jobs[0]?.overdue]).toEqual([0, "aws", false]);
    await host.bench.simulator.control.settings({ deny: [{ action: "ec2:DescribeInstances" }] });
    const refused = await statusOf(host);
    expect([refused.code, refused.status.from]).toEqual([1, "host"]);
    expect(refused.status.notes).toEqual([expect.stringContaining("this is what is remembered, since: ")]);
    await host.bench.simulator.control.settings({ deny: [] });
    const { code, status } = await statusOf(host, "--refresh");
    expect([code, status.from, status.jobs[0]?.overdue]).toEqual([0, "aws", false]);
    await host.bench.simulator.control.clock({ advance: "72h" });
    const late = await statusOf(host, "--refresh");
    expect([late.code, late.status.jobs[0]?.overdue]).toEqual([1, true]);
  });

  test("tells alarms that were recorded, and those that are switched off", async (context) => {
    const host = await Host.start(context, nightly, 1);
    await host.bench.execute(["run"]);
    const file = path.join(host.bench.state, instance.id, "job-default.json");
    const kept = JSON.parse(await readFile(file, "utf8"));
    const alarms = [
      { name: "missed", state: "OK", actionsEnabled: false },
      { name: "errors", state: "OK", actionsEnabled: true },
    ];
    await writeFile(file, JSON.stringify({ ...kept, alarms: { asOf: "2026-11-21T02:00:00.000Z", alarms } }));
    const { stdout } = await host.bench.execute(["status"]);
    expect(stdout).toContain(
      "default: 2 alarms as of 2026-11-21 02:00:00Z, of which\n  missed: OK, switched off",
    );
    expect(stdout).not.toContain("errors: OK");
  });

  test("survives any damage to what is remembered, and tells it", async (context) => {
    const host = await Host.start(context, nightly, 1);
    await host.bench.execute(["run"]);
    const file = path.join(host.bench.state, instance.id, "job-default.json");
    const kept = JSON.parse(await readFile(file, "utf8"));
    const damage = {
      volumes: [null],
      history: 7,
      alarms: { asOf: "2026-11-21T02:00:00.000Z", alarms: [null] },
      newest: { captured: "never" },
      lastSlot: [],
      note: null,
    };
    await writeFile(file, JSON.stringify({ ...kept, ...damage }));
    for (const words of [["status", "--offline"], ["status"], ["report", "--format", "md"]]) {
      const { code, stdout, stderr } = await host.bench.execute(words);
      expect([words, stderr]).toEqual([words, ""]);
      // Without the volumes' ages, nothing is known to be young enough; AWS knows them.
      expect(code).toBe(words.includes("--offline") ? 1 : 0);
      if (words[0] === "report") expect(stdout).toContain("1 record of earlier runs cannot be read");
    }
    const [run] = kept.history;
    const worse = {
      report: { ...kept.report, outcome: ["done"], problems: [null, 1] },
      history: Array(200_000).fill(run),
    };
    await writeFile(file, JSON.stringify({ ...kept, ...worse }));
    for (const words of [
      ["status", "--offline"],
      ["status", "--refresh"],
      ["report", "--format", "md"],
      ["report"],
    ]) {
      const { code, stderr } = await host.bench.execute(words);
      expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
    }
    await writeFile(file, "{");
    const { stdout } = await host.bench.execute(["status"]);
    expect(stdout).toContain("default: what this host remembered of it cannot be read");
    expect((await host.ask("run")).code).toBe(0);
    expect((await statusOf(host)).status.unreadable).toEqual([]);
  });
});
