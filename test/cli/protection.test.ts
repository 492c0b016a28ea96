import { describe, expect, test } from "vitest";
import { Host } from "./host.ts";

const outcome = ({ json }: Awaited<ReturnType<Host["ask"]>>) => json.reports?.map((report) => report.outcome);

describe.concurrent("an instance without configuration", () => {
  test("that was never protected is told what to add, and that is no error", async (context) => {
    const host = await Host.start(context, {});
    const run = await host.ask("run");
    expect(run.code).toBe(0);
    expect(run.json.reports).toEqual([]);
    expect(run.json.message).toMatch(/is not protected.*\n.*Backup=yes.*config\.yaml.*--all/);
    expect(host.calls("CreateSnapshots")).toBe(0);
    const status = await host.ask("status");
    expect(status).toMatchObject({ code: 0, json: { protection: "not protected", jobs: [] } });
  });

  test("whose tags nobody has asked for is called unprotected as far as is known", async (context) => {
    const host = await Host.start(context, {});
    for (const [words, from] of [
      [["status"], "aws"],
      [["status", "--offline"], "host"],
      [["status", "--refresh"], "aws"],
    ] as const) {
      const { code, json } = await host.ask(...words);
      expect([code, json]).toMatchObject([0, { from, protection: "not protected" }]);
    }
    const { stdout } = await host.bench.execute(["status", "--offline"]);
    expect(stdout).toContain("The instance's tags were not asked for.\nStart with: ec2-backup plan --all\n");
  });

  test("that was protected before is an error, told to CloudWatch too, until its tag is back", async (context) => {
    const host = await Host.start(context, { Backup: "yes" });
    expect((await host.ask("run")).code).toBe(0);
    expect((await host.ask("status")).json).toMatchObject({ protection: "protected" });
    await host.bench.tomorrow();
    await host.tag({ Backup: null });
    const run = await host.ask("run");
    expect(run.code).toBe(78);
    expect(run.json.exitCode).toBe(78);
    expect(outcome(run)).toEqual(["failed"]);
    expect(host.metric("Errors")).toBe(1);
    expect(host.calls("CreateSnapshots")).toBe(1);
    const status = await host.ask("status", "--refresh");
    expect(status).toMatchObject({
      code: 1,
      json: { protection: "not protected", jobs: [{ job: "default" }] },
    });
    expect(status.stdout).not.toContain('"next"');
    await host.tag({ Backup: "yes" });
    expect((await host.ask("run")).code).toBe(0);
  });

  test("whose disk is new but whose points are there was protected before", async (context) => {
    const host = await Host.start(context, {}, 3);
    const run = await host.ask("run");
    expect(run.code).toBe(78);
    expect(host.metric("Errors")).toBe(1);
  });

  test("that is tagged Backup=no is left out, whatever it was before and whatever a file says", async (context) => {
    const host = await Host.start(context, { Backup: "no" }, 3);
    const run = await host.ask("run");
    expect(run.code).toBe(0);
    expect(run.json.message).toContain("is left out by its tag Backup=no");
    await host.write("version: 1\njobs:\n  default: {}\n");
    expect((await host.ask("run")).json.message).toContain("is left out by its tag Backup=no");
    expect(host.calls("CreateSnapshots")).toBe(0);
    expect(host.calls("DeleteSnapshot")).toBe(0);
    const status = await host.ask("status", "--refresh");
    expect(status).toMatchObject({
      code: 0,
      json: { protection: "left out", leftOutBy: "Backup=no", jobs: [{ job: "default", overdue: false }] },
    });
    expect(status.stdout).not.toContain('"next"');
  });

  test("whose tags cannot be read is a matter of permission, never `not configured`", async (context) => {
    const host = await Host.start(context, { Backup: "yes" });
    await host.bench.simulator.control.settings({ deny: [{ action: "ec2:DescribeInstances" }] });
    const run = await host.ask("run");
    expect(run.code).toBe(77);
    expect(run.json.reports?.[0]?.problems).toMatchObject([{ severity: "error", kind: "denied" }]);
    expect(host.metric("Errors")).toBe(1);
  });
});

describe.concurrent("an instance that is configured, of which no run is recorded", () => {
  test.for([
    { how: "by a file", tags: {}, file: true, offline: "never run", code: 1 },
    {
      how: "by its tag, which only AWS knows,",
      tags: { Backup: "yes" },
      file: false,
      offline: "not protected",
      code: 0,
    },
  ])("$how is not said to be protected, nor to be none of our business", async (given, context) => {
    const host = await Host.start(context, given.tags);
    if (given.file) await host.write("version: 1\njobs:\n  nightly: { schedule: '0 2 * * *' }\n");
    for (const words of [["status"], ["status", "--refresh"]]) {
      const { code, json } = await host.ask(...words);
      expect([code, json]).toMatchObject([1, { from: "aws", protection: "never run" }]);
    }
    const offline = await host.ask("status", "--offline");
    expect(offline).toMatchObject({ code: given.code, json: { protection: given.offline } });
    const file = given.file ? ["--config", host.bench.config] : [];
    const { stdout } = await host.bench.execute([...file, "status"]);
    expect(stdout).toContain("configured, but no run has been recorded here");
    expect(stdout).toMatch(/ec2-backup run\n(.*\n)?.*ec2-backup doctor\n/);
  });

  test("with a file of which nothing can be read, neither", async (context) => {
    const host = await Host.start(context, {});
    await host.write("version: 1\njobs: [");
    for (const words of [["status"], ["status", "--offline"]]) {
      const { code, json } = await host.ask(...words);
      expect([words, code, json]).toMatchObject([words, 1, { protection: "never run" }]);
    }
  });
});

describe.concurrent("tags that contradict each other", () => {
  test("make a backup and a warning", async (context) => {
    const host = await Host.start(context, { Backup: "yes", backup: "no" });
    const run = await host.ask("run");
    expect(run.code).toBe(0);
    expect(run.json.reports?.[0]?.points).toHaveLength(1);
    expect(run.json.reports?.[0]?.problems).toContainEqual(
      expect.objectContaining({ severity: "warning", found: expect.stringContaining("contradict") }),
    );
  });
});
