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
