import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Disk, isFrozen, thawedWithin } from "./freeze-lab.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { systemdHindrance } from "./systemd/boot.ts";
import { UnitStage } from "./systemd/unit-stage.ts";

const why = systemdHindrance ?? (loopDisksCan ? undefined : `needs ${loopDisksNeed}`);
if (why !== undefined && process.env["CI"] === "true") throw new Error(why);

const thorough = process.env["SOAK"] === "1";
const day = 86_400_000;
const daemon = "ec2-backup.service";
const run = "ec2-backup-run.service";
const timer = "ec2-backup-run.timer";
/** Seconds. */
const deadline = 4;
const freeze = { freeze: { mounts: ["/data"], deadline: `${deadline}s` } };
/** A slot that nobody waits for in a test. */
const schedule = `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;
const job = { schedule, splay: "0s", hooks: [freeze] };
const impatient = { daemon: { bootDelay: "0s", stopWithin: "1s" } };

const undo: (() => unknown)[] = [];
let stage: UnitStage;

beforeAll(async () => {
  if (why !== undefined) return;
  stage = await UnitStage.start({ onTestFinished: (one) => void undo.push(one as () => unknown) });
});
afterEach(() => (why === undefined ? stage.clear() : undefined));
afterAll(async () => {
  for (const one of undo.reverse()) await one();
});

function disk(): Disk {
  return { path: stage.disk.mount, superblock: "" };
}

/** A daemon that has a slot to make up for starts a run at once. */
async function missedSlot(): Promise<void> {
  const slot = new Date(Date.now() - 2 * day).toISOString();
  const { code, output } = await stage.byHand(`run default --slot ${slot}`);
  expect(code, output).toBe(0);
}

async function start(unit: string): Promise<void> {
  const { code } = await stage.machine.try(`systemctl start ${unit}`);
  expect(code, code === 0 ? "" : await stage.journal(unit)).toBe(0);
}

/** Starts the unit, whose run freezes and then waits for an answer that does not come before the deadline. */
async function frozenBy(unit: string, seconds = deadline): Promise<void> {
  const waits = { request: "30s", capture: "60s" };
  const hooks = [{ freeze: { ...freeze.freeze, deadline: `${seconds}s` } }];
  await stage.configure({ ...job, hooks, waits }, impatient);
  if (unit === daemon) await missedSlot();
  await stage.faults({ kind: "hang", action: "CreateSnapshots", dryRun: false });
  await stage.machine.run(`systemctl start ${unit === daemon ? "" : "--no-block"} ${unit}`);
  // Not by asking the disk, as a freeze of ours in that moment would be in the way of theirs.
  const ledger = () => stage.machine.try("cat /run/ec2-backup/guard-*/ledger");
  await stage.until(ledger, ({ output }) => /^frozen \d+$/m.test(output), "it never froze");
  expect(isFrozen(disk())).toBe(true);
}

async function thawed(limit: number): Promise<void> {
  await thawedWithin([disk()], limit);
}

/** Waits until a unit and what comes after it are over. */
async function over(unit: string): Promise<string> {
  return await stage.until(
    () => stage.property(unit, "SubState"),
    (state) => ["dead", "failed", "auto-restart"].includes(state),
    `${unit} is not over`,
  );
}

describe.skipIf(why !== undefined)(`the units as they are shipped${why ? ` (${why})` : ""}`, () => {
  test("systemd understands them, and they may do little", async () => {
    const units = await stage.machine.run(
      "cd /usr/lib/systemd/system && ls -d ec2-backup*.service ec2-backup*.timer",
    );
    expect(units.split("\n")).toHaveLength(6);
    for (const kind of ["write-elsewhere", "hooks-as-user", "drills"]) {
      const from = `/usr/lib/systemd/system/${daemon}.d/${kind}.conf.example`;
      await stage.machine.run(`install -D -m 644 ${from} /run/systemd/system/${daemon}.d/${kind}.conf`);
    }
    await stage.machine.run("systemctl daemon-reload");
    expect(await stage.machine.run(`systemd-analyze verify ${units.replaceAll("\n", " ")}`)).toBe("");
    await stage.clear();
    for (const unit of units.split("\n").filter((one) => one.endsWith(".service"))) {
      const told = await stage.machine.run(`systemd-analyze security --no-pager ${unit} | tail -n 1`);
      expect(Number(/: (\d+\.\d)/.exec(told)?.[1]), told).toBeLessThanOrEqual(3);
    }
  });

  test("the daemon comes up, and a run that was due freezes a real disk with two capabilities", async () => {
    await stage.configure(job);
    await missedSlot();
    await stage.machine.run("rm -rf /var/cache/ec2-backup");
    await stage.made();
    await start(daemon);
    expect(await stage.property(daemon, "SubState")).toBe("running");
    await stage.logged(daemon, "the run ended with exit code 0");
    expect(await stage.made()).toEqual(["filesystem"]);
    const pid = await stage.property(daemon, "MainPID");
    const status = await stage.machine.run(`grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/${pid}/status`);
    // CAP_DAC_READ_SEARCH is 2, CAP_SYS_ADMIN 21.
    expect(status.split(/\s+/)).toEqual([
      ...["CapBnd:", (2n ** 2n + 2n ** 21n).toString(16).padStart(16, "0")],
      ...["NoNewPrivs:", "1", "Seccomp:", "2"],
    ]);
    const kept = await stage.machine.run("ls /var/cache/ec2-backup");
    expect(kept.split("\n")).toEqual(["compiled", "configuration.json"]);
    const entries = (await stage.machine.run(`journalctl -u ${daemon} -o json --no-pager`)).split("\n");
    const said = entries.map((one) => JSON.parse(one) as { MESSAGE: string; PRIORITY: string });
    expect(said.find(({ MESSAGE }) => MESSAGE.startsWith("info: starting (catch-up"))?.PRIORITY).toBe("6");
  });

  test("a faulty file or an AWS that does not answer keeps the daemon from nothing, and the journal has the fault", async () => {
    await stage.configure({ schedule: "sometimes" });
    await stage.faults({ kind: "hang", service: "imds", action: "*", count: "always" });
    const began = performance.now();
    await start(daemon);
    // What waits for AWS has an end of its own, well before TimeoutStartSec.
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(await stage.property(daemon, "SubState")).toBe("running");
    expect(await stage.journal(daemon)).toMatch(/^error: config\.yaml:1:\d+: jobs\.default\.schedule/m);
  });

  test("sees what the host mounts and unmounts while it runs, and lets it", async () => {
    await stage.configure(job);
    await start(daemon);
    const pid = await stage.property(daemon, "MainPID");
    const seen = () => stage.machine.try(`grep -c ' /late ' /proc/${pid}/mountinfo`);
    await stage.machine.run("mkdir -p /late && mount --bind /data /late");
    expect((await seen()).output).toBe("1");
    await stage.machine.run("umount /late");
    expect((await seen()).output).toBe("0");
    // One below /tmp, too, which a PrivateTmp= would hide.
    await stage.machine.run("mkdir -p /tmp/late && mount --bind /data /tmp/late");
    expect((await stage.machine.try(`ls /proc/${pid}/root/tmp/late`)).output).toContain("lost+found");
    await stage.machine.run("umount /tmp/late");
  });

  test.each([
    ["is stopped", "kill -s STOP"],
    ["has a loop that is blocked", "kill -s USR2"],
  ])("a daemon that %s is started again, whoever else says that it lives", async (_, blow) => {
    await stage.configure(job);
    await stage.file("/opt/block.cjs", 'process.on("SIGUSR2", () => { for (;;); });');
    await stage.dropIn(daemon, [
      "[Service]",
      "WatchdogSec=3s",
      "RestartSec=100ms",
      "Environment=NODE_OPTIONS=--require=/opt/block.cjs",
      "ExecStartPost=/bin/sh -c '(for i in 1 2 3 4 5 6 7 8 9; do NOTIFY_SOCKET=/run/systemd/notify systemd-notify WATCHDOG=1; sleep 1; done) &'",
    ]);
    await start(daemon);
    const pid = await stage.property(daemon, "MainPID");
    await stage.logged(daemon, "next run at");
    await stage.machine.run(`${blow} ${pid}`);
    const fresh = (now: string): boolean => now !== pid && now !== "0";
    await stage.until(() => stage.property(daemon, "MainPID"), fresh, "the daemon was not started again");
    expect(await stage.journal(daemon)).toContain("Watchdog timeout");
    await stage.until(
      () => stage.property(daemon, "SubState"),
      (now) => now === "running",
      "it did not come up",
    );
  });

  test.each(thorough ? [daemon, run] : [daemon])(
    "a stop of %s in a freeze thaws by the deadline",
    async (unit) => {
      const [held, watchdog] = [12, 7];
      if (unit === daemon) await stage.dropIn(daemon, ["[Service]", `WatchdogSec=${watchdog}s`]);
      await frozenBy(unit, held);
      await stage.machine.run(`systemctl stop --no-block ${unit}`);
      const began = performance.now();
      await thawed(held * 1_000 + 1_000);
      await over(unit);
      // A stop takes as long as the run needs to end, and is no hang.
      expect(performance.now() - began).toBeGreaterThan(watchdog * 1_000);
      expect(await stage.property(unit, "Result")).toBe(unit === daemon ? "success" : "exit-code");
      expect((await stage.machine.run("ls /run/ec2-backup")).trim()).toBe("");
    },
  );

  test("a stop that is the first sign of the instance's end leaves time for a last capture, held as always", async () => {
    await stage.configure(job, { ...impatient, termination: { capture: true, every: "1m", budget: "40s" } });
    await stage.made();
    await start(daemon);
    await stage.logged(daemon, "watching for a notice of this instance's end");
    await stage.brought("Terminated");
    const began = performance.now();
    await stage.machine.run(`systemctl stop ${daemon}`);
    const journal = await stage.journal(daemon);
    await stage.brought(null);
    expect(performance.now() - began).toBeLessThan(60_000);
    expect(journal).toContain("the last capture ended with exit code 0");
    expect(await stage.property(daemon, "Result")).toBe("success");
    expect(await stage.made()).toEqual(["filesystem"]);
    await thawed(1_000);
  });

  test.each(thorough ? [daemon, run] : [run])(
    "all of %s is killed in a freeze, and ExecStopPost thaws",
    async (unit) => {
      await frozenBy(unit);
      await stage.machine.run(`systemctl kill --kill-whom=all --signal=SIGKILL ${unit}`);
      await thawed(deadline * 1_000);
      await over(unit);
      expect((await stage.machine.run("ls /run/ec2-backup")).trim()).toBe("");
    },
  );

  test("the timer starts a run, and is there after the next boot to make up for a night that was missed", async () => {
    await stage.configure({ hooks: [freeze] });
    await stage.dropIn(timer, ["[Timer]", "OnCalendar=", "OnCalendar=*:*:0/1", "RandomizedDelaySec=0"]);
    await stage.made();
    await start(timer);
    await stage.logged(run, "run done");
    await stage.machine.run(`systemctl stop ${timer}`);
    await over(run);
    expect(await stage.made()).toContain("filesystem");
    expect(await stage.property(run, "Result")).toBe("success");
    expect(await stage.property(timer, "Persistent")).toBe("yes");
    expect(await stage.property(timer, "FixedRandomDelay")).toBe("yes");
    expect((await stage.machine.run("ls /var/lib/systemd/timers")).split("\n")).toContain(`stamp-${timer}`);
  });
});
