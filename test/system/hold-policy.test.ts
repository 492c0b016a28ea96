import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, type TestContext, test } from "vitest";
import { need } from "../host/places.ts";
import { fsfreeze, HoldBench, isFrozen } from "./hold-bench.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";
import { withoutDisks } from "./mount-namespace.ts";

beforeEach((context) => need(context, loopDisksCan, loopDisksNeed));

const ranks = ["crash", "filesystem", "application"];
const isLess = (found: string, wanted: string): boolean => ranks.indexOf(found) < ranks.indexOf(wanted);

/**
 * A mounted disk beside one with a filesystem that was never mounted. Of one that was, a namespace that some other
 * test made meanwhile keeps a mount, and the agent would find it.
 */
async function besideUnmounted(context: TestContext) {
  const { bench } = await HoldBench.start(context, "ext4", "raw");
  const [, { device = "" } = {}] = bench.volumes;
  await bench.disks.format(device, "ext4");
  const other = path.join(bench.disks.directory, "other");
  await mkdir(other);
  bench.disks.janitor.undo(`if mountpoint -q ${other}; then umount ${other}; fi`);
  return { bench, device, other };
}

interface Case {
  readonly fails: boolean;
  readonly onFailure: "continue" | "abort";
  readonly whenLess: "degrade" | "fail";
  /** What the job asks for; absent = what its hooks can give. */
  readonly asks?: string;
}

const cases = [undefined, ...ranks].flatMap((asks) =>
  (["degrade", "fail"] as const).flatMap((whenLess): Case[] => {
    const common = { whenLess, ...(asks === undefined ? {} : { asks }) };
    return [
      { ...common, fails: false, onFailure: "abort" },
      { ...common, fails: true, onFailure: "abort" },
      { ...common, fails: true, onFailure: "continue" },
    ];
  }),
);

/** What a run must come to, said once more and independently of the agent. */
function expected({ fails, onFailure, whenLess, asks = "application" }: Case) {
  const reached = fails ? "filesystem" : "application";
  const less = isLess(reached, asks);
  const made = !(fails && onFailure === "abort") && !(less && whenLess === "fail");
  return { reached, made, asks, less, code: made ? Number(fails || less) : 2 };
}

test("a program that holds or fails, and what the job makes of it", { timeout: 120_000 }, async (context) => {
  const { bench } = await HoldBench.start(context, "ext4");
  for (const one of cases) {
    const { fails, onFailure, whenLess, asks } = one;
    const command = { before: fails ? "exit 3" : "true", onFailure };
    const consistency = asks === undefined ? {} : { consistency: asks };
    const name = `case${cases.indexOf(one)}`;
    await bench.configure([{ command }, { freeze: "data" }], { whenLess, ...consistency }, name);
    const wanted = expected(one);
    const what = JSON.stringify(one);
    const { code, report } = await bench.run();
    const { Degraded, FrozenTime, Errors } = bench.metrics();
    const tags = await bench.tagsOf(report);
    expect(code, what).toBe(wanted.code);
    expect(report.points, what).toHaveLength(Number(wanted.made));
    expect(report.stillness?.demanded, what).toBe(wanted.asks);
    expect(report.problems.filter(({ code }) => code === "LessConsistent").length, what).toBe(
      Number(wanted.less && !(fails && onFailure === "abort")),
    );
    expect(
      report.problems.some(({ found }) => found.startsWith("it ended with 3")),
      what,
    ).toBe(fails);
    expect(Errors, what).toBe(report.problems.filter(({ severity }) => severity === "error").length);
    if (wanted.made) {
      expect(report.points[0]?.consistency, what).toBe(wanted.reached);
      expect(report.stillness, what).toMatchObject({ achieved: wanted.reached, frozenMs: FrozenTime });
      expect(FrozenTime, what).toBeGreaterThan(0);
      expect(Degraded, what).toBe(Number(wanted.less));
      expect(tags, what).toHaveLength(1);
      expect(tags[0], what).toMatchObject({
        "ec2-backup:consistency": wanted.reached,
        "ec2-backup:frozen": String(FrozenTime),
      });
    } else {
      expect(tags, what).toEqual([]);
      expect(FrozenTime, what).toBeUndefined();
      expect(Degraded, what).toBe(Number(wanted.asks !== "crash"));
    }
  }
});

test("without hooks nothing is said of stillness, and no metric is paid for", async (context) => {
  const { bench } = await HoldBench.start(context, "ext4");
  await bench.configure([]);
  const { code, report } = await bench.run();
  expect(code).toBe(0);
  expect(report.stillness).toBeUndefined();
  expect(Object.keys(bench.metrics())).toEqual(expect.arrayContaining(["Errors", "ElapsedTime"]));
  expect(Object.keys(bench.metrics())).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(Degraded|FrozenTime)$/)]),
  );
  expect([bench.calls("CreateSnapshots", true), bench.calls("CreateSnapshots")]).toEqual([0, 1]);
  expect(bench.calls("CreateTags")).toBe(0);
});

test("hooks hold in their order, the freeze last, and are released in reverse; one DryRun comes before", async (context) => {
  const { bench, mounts } = await HoldBench.start(context, "ext4");
  const [mount = ""] = mounts;
  const trace = path.join(mount, "trace");
  const say = (word: string) => `echo ${word} >> ${trace}; sync ${trace}`;
  const hook = (name: string) => ({
    command: { name, before: say(`${name} holds`), after: say(`${name} lets go`), timeout: "5s" },
  });
  await bench.configure([hook("dump"), hook("lock"), { freeze: "data" }]);
  bench.control.faults([{ kind: "delay", action: "CreateSnapshots", dryRun: false, ms: 600 }]);
  const running = bench.run();
  const seen: boolean[] = [];
  while (bench.control.pendingFaults().length > 0) await sleep(10);
  seen.push(isFrozen(mount));
  const { code, report, stderr } = await running;
  expect(code, stderr).toBe(0);
  expect([...seen, isFrozen(mount)]).toEqual([true, false]);
  const lines = (await readFile(trace, "utf8")).trim().split("\n");
  expect(lines).toEqual(["dump holds", "lock holds", "lock lets go", "dump lets go"]);
  expect(report.stillness?.hooks.map(({ hook, outcome }) => [hook, outcome])).toEqual([
    ["command dump", "held"],
    ["command lock", "held"],
    ["freeze", "held"],
  ]);
  expect(report.stillness?.frozenMs).toBeGreaterThan(600);
  expect([bench.calls("CreateSnapshots", true), bench.calls("CreateSnapshots")]).toEqual([1, 1]);
});

describe("what somebody else froze", () => {
  test.for([
    { whenLess: "degrade", code: 1, made: 1 },
    { whenLess: "fail", code: 2, made: 0 },
  ])(
    "stays frozen; with whenLess $whenLess that makes $made points",
    async ({ whenLess, code, made }, context) => {
      const { bench, mounts } = await HoldBench.start(context, "ext4");
      const [mount = ""] = mounts;
      await bench.configure([{ freeze: [mount] }], { whenLess });
      expect(fsfreeze("-f", mount)).toBe(true);
      const check = await bench.check();
      const run = await bench.run();
      const stays = isFrozen(mount);
      fsfreeze("-u", mount);
      expect(stays).toBe(true);
      expect(check.code, check.stdout).toBe(0);
      expect(run.code, run.stderr).toBe(code);
      expect(run.report.points).toHaveLength(made);
      expect(run.report.problems.map(({ found }) => found).join()).toContain(
        "is frozen already by somebody else; it was left as it is",
      );
      for (const tags of await bench.tagsOf(run.report)) expect(tags["ec2-backup:consistency"]).toBe("crash");
    },
  );
});

describe("a set is not called consistent", () => {
  test("for a filesystem of which a part is not captured", async (context) => {
    const { bench, mounts } = await HoldBench.start(context, "ext4", "raw", "raw");
    const [plain = ""] = mounts;
    const [, first, second] = bench.volumes;
    await sh("mkfs.btrfs", "-q", "-f", first?.device ?? "", second?.device ?? "");
    const wide = await bench.disks.mount(first?.device ?? "", "wide");
    const volumes = { exclude: [{ id: second?.id }] };
    await bench.configure([{ freeze: "data" }], { volumes });
    const reason = `but also on ${second?.id}, which is not captured`;
    const check = await bench.check();
    expect(check.code).toBe(0);
    expect(check.warnings.join()).toContain(`jobs.default.hooks[0].freeze.mounts: ${wide} rests on`);
    expect(check.warnings.join()).toContain(reason);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(1);
    expect(run.report.stillness).toMatchObject({
      demanded: "filesystem",
      achieved: "crash",
      hooks: [{ outcome: "held" }],
    });
    expect(run.report.problems).toMatchObject([
      { severity: "warning", found: expect.stringContaining(reason) },
      { severity: "error", code: "LessConsistent" },
    ]);
    expect((await bench.tagsOf(run.report))[0]?.["ec2-backup:consistency"]).toBe("crash");
    // Asked for by name, it is a fault.
    await bench.configure([{ freeze: [plain, wide] }], { volumes });
    const listed = await bench.check();
    expect(listed.code).toBe(78);
    expect(listed.faults.join()).toContain(reason);
    // With all of it captured, it counts.
    await bench.configure([{ freeze: "data" }], {}, "whole");
    const whole = await bench.run();
    expect(whole.code, whole.stderr).toBe(0);
    expect(whole.report.stillness?.achieved).toBe("filesystem");
  });

  test("for one that only a process in another mount namespace has mounted", async (context) => {
    const { bench, other, device } = await besideUnmounted(context);
    const script = `${withoutDisks()} || :; mount ${device} ${other}; echo mounted; exec sleep 600`;
    const words = ["--mount", "--propagation", "private", "sh", "-ec", script];
    const elsewhere = spawn("unshare", words, { stdio: ["ignore", "pipe", "inherit"] });
    context.onTestFinished(async () => {
      const gone = once(elsewhere, "exit");
      elsewhere.kill("SIGKILL");
      await gone;
    });
    await once(elsewhere.stdout, "data");
    await bench.configure([{ freeze: "data" }]);
    const found = `${other} rests on ${bench.volumes[1]?.id} and is mounted by sleep (process ${elsewhere.pid})`;
    expect((await bench.check()).warnings.join()).toContain(found);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(1);
    expect(run.report.stillness).toMatchObject({ demanded: "filesystem", achieved: "crash" });
    expect(run.report.problems.map((one) => one.found).join()).toContain(found);
    expect((await bench.tagsOf(run.report))[0]?.["ec2-backup:consistency"]).toBe("crash");
  });

  test("for one that a program mounts after the mounts were looked at", async (context) => {
    const { bench, other: late, device } = await besideUnmounted(context);
    const command = { before: `mount ${device} ${late}`, after: `umount ${late}` };
    await bench.configure([{ command }, { freeze: "data" }]);
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(1);
    expect(run.report.stillness).toMatchObject({ demanded: "application", achieved: "crash" });
    expect(run.report.problems.map((one) => one.found).join()).toContain(`${late} was mounted`);
  });

  test("for one that somebody mounts while a capture that was turned away waits for its next try", async (context) => {
    const { bench, other: late, device } = await besideUnmounted(context);
    bench.control.faults([{ kind: "throttle", action: "CreateSnapshots", dryRun: false, count: 1 }]);
    const waits = { request: "10s", capture: "10s", retryFor: "60s", retryEvery: "3s" };
    await bench.configure([{ freeze: "data" }], { waits });
    let meanwhile: Promise<unknown> | undefined;
    const run = await bench.run({
      onError(text) {
        if (text.includes("trying again")) meanwhile ??= sh("mount", device, late);
      },
    });
    await meanwhile;
    expect(meanwhile, run.stderr).toBeDefined();
    expect(run.code, run.stderr).toBe(1);
    expect(run.report.stillness).toMatchObject({ demanded: "filesystem", achieved: "crash", attempts: 2 });
    expect(run.report.problems.map((one) => one.found).join()).toContain(`${late} was mounted`);
    expect((await bench.tagsOf(run.report))[0]?.["ec2-backup:consistency"]).toBe("crash");
  });

  test("for a mount that is not among the listed ones", async (context) => {
    const { bench, mounts } = await HoldBench.start(context, "ext4", "ext4");
    const [one = "", other = ""] = mounts;
    await bench.configure([{ freeze: [one] }], { consistency: "filesystem" });
    const words = `${other} is left out of freeze.mounts though it rests on captured volumes`;
    const check = await bench.check();
    expect([check.code, check.warnings.join()]).toEqual([0, expect.stringContaining(words)]);
    const run = await bench.run();
    expect(run.code).toBe(1);
    expect(run.report.points[0]?.consistency).toBe("crash");
    expect(run.report.problems.map(({ found }) => found)).toEqual([
      expect.stringContaining(words),
      "crash is less than the demanded consistency, filesystem",
    ]);
    expect(run.report.stillness?.frozenMs).toBeGreaterThan(0);
    // Left out of the capture as well, it has no say.
    const exclude = [{ mount: other }];
    await bench.configure([{ freeze: [one] }], { consistency: "filesystem", volumes: { exclude } }, "other");
    const without = await bench.run();
    expect(without.code, without.stderr).toBe(0);
    expect(without.report.points[0]?.consistency).toBe("filesystem");
  });
});

describe("volumes named by what is mounted from them", () => {
  test.for(["include", "exclude"] as const)("%s", async (way, context) => {
    const { bench, mounts } = await HoldBench.start(context, "ext4", "ext4");
    const [first, second] = bench.volumes.map(({ id }) => id);
    const volumes = { [way]: [{ mount: mounts[0] }, { mount: "/no/such/mount" }] };
    await bench.configure([], { volumes });
    const run = await bench.run();
    expect(run.code, run.stderr).toBe(0);
    const [taken, left] = way === "include" ? [first, second] : [second, first];
    expect(run.report.chosen.map(({ volume }) => volume)).toEqual([taken]);
    expect(run.report.left.map(({ volume }) => volume)).toEqual([left]);
    const [choice] = way === "include" ? run.report.chosen : run.report.left;
    expect(choice?.because).toContain(`mount ${mounts[0]}`);
    expect(run.report.problems).toMatchObject([
      { severity: "warning", doing: "choose volumes by the mount /no/such/mount" },
    ]);
  });
});
