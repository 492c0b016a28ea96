import { describe, expect, test } from "vitest";
import { Host } from "./host.ts";

/** Every command, on a host that has points; `snap` and `vol` stand for ids that exist. */
const commands = [
  ["run", 0],
  ["run --dry-run", 0],
  ["plan", 0],
  ["list", 0],
  ["explain snap", 0],
  ["prune --dry-run", 0],
  ["prune", 0],
  ["status", 0],
  ["status --refresh", 0],
  ["report", 0],
  ["check-config", 0],
] as const;

const errors = [
  ["run absent-job", 64, "usage"],
  ["explain snap-0000000000000dead", 2, "not-found"],
  ["forget vol", 64, "usage"],
  ["forget vol-0000000000000dead", 2, "not-found"],
  ["list --config /absent.yaml", 78, "configuration"],
] as const;

describe("--json prints one document and nothing else on stdout", () => {
  test("for every command that does its work", async (context) => {
    const host = await Host.start(context, { Backup: "yes" }, 3);
    const { snapshots } = await host.bench.simulator.control.state();
    const snapshot = Object.values(snapshots).find((one) => "ec2-backup:point" in one.tags)?.id ?? "";
    for (const [line, code] of commands) {
      const answer = await host.ask(...line.replace("snap", snapshot).split(" "));
      expect({ line, code: answer.code, says: answer.json.exitCode }).toEqual({ line, code, says: code });
      expect(answer.stdout.trimEnd().split("\n")).toHaveLength(1);
    }
  });

  test("for the schema, which is a document of its own", async (context) => {
    const host = await Host.start(context, { Backup: "yes" });
    const answer = await host.ask("check-config", "--schema");
    expect(answer).toMatchObject({ code: 0, json: { $schema: expect.any(String) } });
    expect(answer.json).not.toHaveProperty("exitCode");
  });

  test("for words that do not parse", async (context) => {
    const host = await Host.start(context, { Backup: "yes" });
    const answer = await host.ask("explain", "nothing");
    expect(answer).toMatchObject({ code: 64, json: { exitCode: 64, error: { kind: "usage" } } });
  });

  test("for every kind of error, with its kind and the exit code", async (context) => {
    const host = await Host.start(context, { Backup: "yes" }, 1);
    const volume = Object.keys((await host.bench.simulator.control.state()).volumes)[0] ?? "";
    for (const [line, code, kind] of errors) {
      const answer = await host.ask(...line.replace(/vol$/, volume).split(" "));
      expect({ line, code: answer.code, says: answer.json.exitCode }).toEqual({ line, code, says: code });
      expect(answer.json.error).toMatchObject({ kind, found: expect.any(String) });
      expect(answer.stdout.trimEnd().split("\n")).toHaveLength(1);
    }
  });

  test("where AWS or the metadata cannot be reached", async (context) => {
    const host = await Host.start(context, { Backup: "yes" });
    await host.bench.simulator.control.settings({ imds: { enabled: false } });
    const list = await host.ask("list");
    expect(list).toMatchObject({ code: 69, json: { exitCode: 69, error: { kind: "unreachable" } } });
    const run = await host.ask("run");
    expect(run).toMatchObject({ code: 69, json: { exitCode: 69, reports: [{ outcome: "failed" }] } });
  });
});

test("without --json a person reads on stdout what was done, and the log is on stderr, without colour", async (context) => {
  const host = await Host.start(context, { Backup: "yes" }, 1);
  const { code, stdout, stderr } = await host.bench.execute(["run"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Job default of host \(i-[0-9a-f]+\)\nVOLUME +DEVICE +BECAUSE\n/);
  expect(stdout).toMatch(/\ndone in \d+\.\d s; \d complete points/);
  expect(stderr).toMatch(/^info: /m);
  expect(stdout + stderr).not.toContain(String.fromCharCode(27));
});
