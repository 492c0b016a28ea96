import { access, readFile } from "node:fs/promises";
import { expect, type TestContext, test } from "vitest";
import { files, Host, of, outcomes, outside } from "./stored-host.ts";
import { needRestic, systemRestic } from "./stores/restics.ts";

/** What the repository holds of each series, by what makes it. */
function held(host: Host, restic: string): Record<string, number> {
  const all = JSON.parse(host.restic(restic, "snapshots", "--json")) as { tags?: string[] }[];
  const series = all.flatMap(({ tags = [] }) => tags.filter((tag) => tag.startsWith("ec2-backup:series=")));
  const counts: Record<string, number> = {};
  for (const one of series.map((tag) => tag.replace(/^.*\/nightly\//, "")))
    counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}

async function start(context: TestContext): Promise<readonly [Host, string]> {
  const restic = needRestic(context, systemRestic);
  const host = await Host.start(outside);
  context.onTestFinished(() => host[Symbol.asyncDispose]());
  return [host, restic];
}

test("the brake holds what retention gives up beyond three points or a fifth of a series, until a person says yes", async (context) => {
  const [host, restic] = await start(context);
  await host.aged(restic, [30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19]);
  await host.configure(files(host));
  const braked = await host.run();
  expect([braked.code, braked.report.outcome, outcomes(braked.report)]).toEqual([
    1,
    "degraded",
    ["files made"],
  ]);
  expect(of(braked.report, "files")?.retention).toMatchObject({
    remove: { length: 3 },
    postponed: { length: 8 },
    removals: [{ outcome: "removed" }, { outcome: "removed" }, { outcome: "removed" }],
  });
  expect(braked.report.problems).toMatchObject([{ severity: "error", code: "Brake" }]);
  expect(held(host, restic)).toEqual({ files: 10 });
  const planned = await host.run("prune", "--dry-run", "--yes");
  expect(of(planned.report, "files")?.retention?.remove).toHaveLength(8);
  expect(held(host, restic)).toEqual({ files: 10 });
  const released = await host.run("prune", "--yes");
  expect(released.code, released.stdout).toBe(0);
  expect(held(host, restic)).toEqual({ files: 2 });
  const audited = await readFile(host.at("state/removals.jsonl"), "utf8");
  expect(audited.match(/"outcome":"removed"/g)).toHaveLength(11);
}, 120_000);

test("a hook that must not fail keeps files from being made and old points from being removed, and lets go what was held", async (context) => {
  const [host, restic] = await start(context);
  await host.aged(restic, [30, 29, 28, 27]);
  const [note, never] = [host.at("held"), host.at("never")];
  const first = `{ name: first, before: [/bin/touch, ${note}], after: [/bin/rm, ${note}] }`;
  const second = `{ name: second, before: [/bin/false], after: [/bin/touch, ${never}], onFailure: abort }`;
  await host.configure(`hooks:\n  - command: ${first}\n  - command: ${second}\n${files(host)}`);
  const { code, report, stdout } = await host.run();
  expect([code, report.outcome, outcomes(report)], stdout).toEqual([2, "failed", ["files not-made"]]);
  expect(report.problems.filter(({ severity }) => severity === "error")).toMatchObject([
    { doing: expect.stringContaining("second") },
  ]);
  expect(report.points).toEqual([]);
  expect(of(report, "files")?.retention).toBeUndefined();
  expect(held(host, restic)).toEqual({ files: 4 });
  await expect(access(note)).rejects.toThrow("ENOENT");
  await expect(access(never)).rejects.toThrow("ENOENT");
  // The next run owes nothing to the one before.
  await host.configure(files(host));
  const next = await host.run();
  expect([next.code, outcomes(next.report)], next.stdout).toEqual([0, ["files made"]]);
  expect(held(host, restic)).toEqual({ files: 2 });
}, 120_000);

test("whenLess: fail makes every hook one that must not fail", async (context) => {
  const [host, restic] = await start(context);
  await host.configure(`whenLess: fail\nhooks:\n  - command: { before: [/bin/false] }\n${files(host)}`);
  const { code, report } = await host.run();
  expect([code, report.outcome, outcomes(report)]).toEqual([2, "failed", ["files not-made"]]);
  expect(held(host, restic)).toEqual({});
}, 60_000);

test("forget shows and then gives up the last points of a dump that no job makes any more, and of nothing else", async (context) => {
  const [host, restic] = await start(context);
  await host.aged(restic, [30, 29], "ldap");
  await host.aged(restic, [28]);
  await host.configure(files(host));
  expect((await host.run()).code).toBe(0);
  expect(held(host, restic)).toEqual({ "dump/ldap": 2, files: 2 });
  const shown = await host.run("forget", "dump/ldap");
  expect(shown.code, shown.stdout).toBe(0);
  expect(of(shown.report, "dump/ldap")?.retention?.remove).toHaveLength(2);
  expect(held(host, restic)).toEqual({ "dump/ldap": 2, files: 2 });
  const forgot = await host.run("forget", "dump/ldap", "--yes");
  expect(forgot.code, forgot.stdout).toBe(0);
  expect(held(host, restic)).toEqual({ files: 2 });
  const gone = await host.execute("forget", "dump/ldap", "--yes");
  expect(gone.stdout + gone.stderr).toContain("no recovery point of build contains it");
}, 120_000);
