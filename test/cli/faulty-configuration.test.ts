import { chmod } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Host } from "./host.ts";

const good = "version: 1\njobs:\n  default: { retention: { last: 1 } }\n";
const faulty = "version: 1\njobs:\n  default: { retension: { last: 1 } }\n";

/** A host that has had a good run two days ago, of which retention would now take the point. */
async function withHistory(context: Parameters<typeof Host.start>[0], tags = {}): Promise<Host> {
  const host = await Host.start(context, { Backup: "yes", ...tags }, 5);
  await host.write(good);
  expect((await host.ask("run")).code).toBe(0);
  await host.bench.tomorrow();
  return host;
}

const scheduled = ["run", "default", "--trigger", "schedule", "--slot", "2027-03-01T02:00:00Z"];

describe.concurrent("with a faulty file", () => {
  test.for([
    { how: "a scheduled run", words: scheduled },
    { how: "a run by hand", words: ["run"] },
  ])(
    "$how makes its backup by the last good one, removes nothing and says so",
    async ({ words }, context) => {
      const host = await withHistory(context);
      const removed = host.calls("DeleteSnapshot");
      await host.write(faulty);
      const run = await host.ask(...words);
      expect(run.code).toBe(1);
      const [report] = run.json.reports ?? [];
      expect(report?.points).toHaveLength(1);
      expect(report?.retention).toBeUndefined();
      expect(report?.problems).toContainEqual(
        expect.objectContaining({
          severity: "error",
          found: expect.stringContaining("jobs.default.retension"),
        }),
      );
      expect(host.metric("Errors")).toBeGreaterThanOrEqual(1);
      expect(host.calls("DeleteSnapshot")).toBe(removed);
      // With the file corrected there is something to remove, so it was the fault that held it back.
      await host.write(good);
      await host.bench.tomorrow();
      expect((await host.ask("run")).code).toBe(0);
      expect(host.calls("DeleteSnapshot")).toBeGreaterThan(removed);
    },
  );

  test("and no good one, nothing is done and the exit code says why", async (context) => {
    const host = await Host.start(context, { Backup: "yes" });
    await host.write(faulty);
    const run = await host.ask("run");
    expect(run.code).toBe(78);
    expect(host.metric("Errors")).toBe(1);
    expect(host.calls("CreateSnapshots")).toBe(0);
  });

  test("a plan, a pruning and check-config refuse", async (context) => {
    const host = await withHistory(context);
    const removed = host.calls("DeleteSnapshot");
    await host.write(faulty);
    for (const words of [["plan"], ["prune"], ["check-config"]]) {
      expect((await host.ask(...words)).code).toBe(78);
    }
    expect(host.calls("DeleteSnapshot")).toBe(removed);
  });

  test("that others can write nobody trusts, even if what it says is good", async (context) => {
    const host = await Host.start(context, { Backup: "yes" });
    await host.write(good);
    await chmod(host.bench.config, 0o622);
    const run = await host.ask("run");
    expect(run.code).toBe(78);
    expect(run.json.reports?.[0]?.problems[0]?.found).toContain("a file that only its owner can write");
    const checked = await host.ask("check-config");
    expect(checked.code).toBe(78);
    expect(checked.stdout).toContain("mode 0622");
  });
});

test("a faulty tag makes the backup by the last good one, removes nothing and says so", async (context) => {
  const host = await withHistory(context);
  const removed = host.calls("DeleteSnapshot");
  await host.tag({ Retention: "seven" });
  const run = await host.ask("run");
  expect(run.code).toBe(1);
  const [report] = run.json.reports ?? [];
  expect(report?.points).toHaveLength(1);
  expect(report?.retention).toBeUndefined();
  expect(report?.problems).toContainEqual(
    expect.objectContaining({ severity: "error", found: expect.stringContaining("Retention") }),
  );
  expect(host.calls("DeleteSnapshot")).toBe(removed);
});

test("check-config shows each value with where it comes from", async (context) => {
  const host = await Host.start(context, { Backup: "yes", Schedule: "0 4 * * *" });
  await host.write("version: 1\njobs:\n  default: { splay: 30m }\n");
  const { code, json } = await host.ask("check-config");
  expect(code).toBe(0);
  const { values } = json as unknown as { values: { path: string; value: string; origin: string }[] };
  const of = (path: string) => values.find((one) => one.path === path);
  expect(of("jobs.default.splay")).toMatchObject({ value: "30m", origin: "config.yaml:3" });
  expect(of("jobs.default.schedule")).toMatchObject({ value: "0 4 * * *", origin: "tag Schedule" });
  expect(of("log.level")).toMatchObject({ value: "info", origin: "built-in" });
  const plain = await host.bench.execute(["check-config", "--config", host.bench.config]);
  expect(plain.stdout).toMatch(/^jobs\.default\.splay +30m +config\.yaml:3$/m);
  expect(plain.stdout).toContain("The configuration is good.");
});
