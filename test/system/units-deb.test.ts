import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { folder, has, isLinux, isRoot, need } from "../host/places.ts";
import { build } from "../packages/build.ts";
import { isFrozen, thawedWithin } from "./freeze-lab.ts";
import { loopDisksCan } from "./loop-disks.ts";
import { systemdHindrance } from "./systemd/boot.ts";
import { UnitStage } from "./systemd/unit-stage.ts";

const daemon = "ec2-backup.service";
const run = "ec2-backup-run.service";
const timer = "ec2-backup-run.timer";
const job = {
  schedule: `0 ${(new Date().getUTCHours() + 12) % 24} * * *`,
  splay: "0s",
  hooks: [{ freeze: { mounts: ["/data"], deadline: "4s" } }],
};

// Packing and unpacking Node takes longer than all the rest.
test.runIf(process.env["SOAK"] === "1")(
  "a machine's whole life with the .deb: installed, at work, hung, stopped in a freeze, on a timer, gone (SOAK=1: packing takes long)",
  async (context) => {
    const possible = isLinux && isRoot && process.arch === "x64" && has("dpkg-deb") && loopDisksCan;
    need(
      context,
      possible && systemdHindrance === undefined,
      "root, dpkg, systemd, loop devices and x64 Linux",
    );
    const work = await folder();
    await build(work, ["--only", "deb-amd64", "--stored"]);
    const stage = await UnitStage.start(context, [`${work}:/media`], false);
    const { machine } = stage;
    await machine.run(
      "rm -rf /var/cache/ec2-backup /var/lib/ec2-backup /var/log/ec2-backup; ! command -v ec2-backup",
    );
    await machine.run("dpkg -i /media/*.deb");
    expect((await machine.try(`systemctl is-enabled ${daemon} ${timer}`)).output).toBe("disabled\ndisabled");
    const units = (await machine.run("ls /usr/lib/systemd/system | grep ec2-backup")).replaceAll("\n", " ");
    expect(await machine.run(`systemd-analyze verify ${units}`)).toBe("");

    await stage.configure(job, { daemon: { bootDelay: "0s", stopWithin: "1s" } });
    await stage.missedSlot();
    await machine.run(`systemctl enable --now ${daemon}`);
    await stage.logged(daemon, "the run ended with exit code 0");
    expect(await stage.made()).toEqual(["filesystem"]);
    await hang(stage);
    await stopInFreeze(stage);
    await machine.run(`systemctl disable --now ${daemon}`);

    await stage.made();
    await stage.dropIn(timer, ["[Timer]", "OnCalendar=", "OnCalendar=*:*:0/1", "RandomizedDelaySec=0"]);
    await machine.run(`systemctl enable --now ${timer}`);
    await stage.logged(run, "run done");
    await machine.run("rm -r /run/systemd/system/ec2-backup*; systemctl daemon-reload");
    expect(await stage.made()).toContain("filesystem");

    await machine.run("dpkg -r ec2-backup-agent");
    expect((await machine.try(`systemctl is-active ${daemon} ${timer} ${run}`)).output).not.toMatch(
      /^active$/m,
    );
    const words = "find /etc /usr /var -xdev -name '*ec2-backup*' -not -path '/var/lib/dpkg/*'";
    const left = (await machine.run(`${words} -prune`))
      .split("\n")
      .filter((one) => !one.includes("stamp-ec2-backup"));
    expect(left.sort()).toEqual([
      "/etc/ec2-backup",
      "/var/cache/ec2-backup",
      "/var/lib/ec2-backup",
      "/var/log/ec2-backup",
    ]);
  },
  240_000,
);

/** Systemd ends a daemon that says nothing any more, and starts it again. */
async function hang(stage: UnitStage): Promise<void> {
  await stage.dropIn(daemon, ["[Service]", "WatchdogSec=3s", "RestartSec=100ms"]);
  await stage.machine.run(`systemctl restart ${daemon}`);
  const pid = await stage.property(daemon, "MainPID");
  await stage.machine.run(`kill -s STOP ${pid}`);
  const fresh = (now: string): boolean => now !== pid && now !== "0";
  await stage.until(() => stage.property(daemon, "MainPID"), fresh, "the daemon was not started again");
  expect(await stage.journal(daemon)).toContain("Watchdog timeout");
  await stage.machine.run(
    `rm -r /run/systemd/system/${daemon}.d; systemctl daemon-reload; systemctl stop ${daemon}`,
  );
}

async function stopInFreeze(stage: UnitStage): Promise<void> {
  await stage.machine.run("rm -rf /var/lib/ec2-backup/*");
  await stage.missedSlot();
  await stage.faults({ kind: "hang", action: "CreateSnapshots", dryRun: false });
  await stage.machine.run(`systemctl start ${daemon}`);
  const ledger = () => stage.machine.try("cat /run/ec2-backup/guard-*/ledger");
  await stage.until(ledger, ({ output }) => /^frozen \d+$/m.test(output), "it never froze");
  const disk = { path: stage.disk.mount, superblock: "" };
  expect(isFrozen(disk)).toBe(true);
  await stage.machine.run(`systemctl stop --no-block ${daemon}`);
  await thawedWithin([disk], 5_000);
  expect(execFileSync("stat", ["-f", "-c", "%T", stage.disk.mount], { encoding: "utf8" })).toContain("ext");
}
