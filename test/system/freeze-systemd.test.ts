import { writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ThawReport } from "../../src/core/thaw-report.ts";
import { folder, node } from "../host/places.ts";
import {
  type Disk,
  diskOf,
  freezeByHand,
  hindrance,
  isFrozen,
  thawByHand,
  thawedWithin,
} from "./freeze-lab.ts";
import { brisk, wavesOf } from "./freeze-process.ts";
import { bootSystemd, type Machine, systemdHindrance } from "./systemd/boot.ts";

const why = hindrance ?? systemdHindrance;
/** Wherever it and Node.js are outside: of what is mounted there, only this is seen inside. */
const source = path.join(import.meta.dirname, "..", "..");
const common = [`${source}:/source`, `${path.dirname(process.execPath)}:/node`];
const program = [`/node/${path.basename(process.execPath)}`, ...node.slice(1)];
const { deadline } = brisk;

/** A service whose process freezes and then does nothing more; afterwards comes the thaw. */
async function frozenService(
  machine: Machine,
  shared: string,
  disks: readonly Disk[],
  limit: number,
): Promise<void> {
  const order = JSON.stringify({
    ...brisk,
    deadline: limit,
    runtimeDirectory: "/run/ec2-backup",
    waves: wavesOf(disks),
  });
  const agent = [...program, "/source/test/system/freeze-agent.ts", order]
    .map((word) => `'${word}'`)
    .join(" ");
  const script = `#!/bin/sh\n(printf 'prepare\\nhold\\n'; sleep 1000) | ${agent} > /shared/said\n`;
  writeFileSync(path.join(shared, "agent"), script, { mode: 0o755 });
  const thaw = [...program, "/source/test/system/freeze-thaw.ts", "/run/ec2-backup", "--urge"].join(" ");
  const unit = `[Service]
Type=exec
RuntimeDirectory=ec2-backup
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
ExecStart=/shared/agent
ExecStopPost=/bin/sh -c '${thaw} > /shared/thawed'
KillMode=mixed
TimeoutStopSec=2s
`;
  writeFileSync(path.join(shared, "frozen.service"), unit);
  await machine.run("cp /shared/frozen.service /etc/systemd/system/ && systemctl daemon-reload");
  await machine.run("systemctl start frozen.service");
  const limitOfStart = performance.now() + 10_000;
  while (!(await machine.try("cat /shared/said")).output.includes('"held"')) {
    if (performance.now() > limitOfStart)
      expect.fail((await machine.try("journalctl -u frozen; cat /shared/said")).output);
    await sleep(50);
  }
  expect(disks.map(isFrozen)).toEqual(disks.map(() => true));
}

/** Waits until the service and what comes after it are over. */
async function ended(machine: Machine): Promise<void> {
  const limit = performance.now() + 10_000;
  while (/^(?:active|deactivating)/.test((await machine.try("systemctl is-active frozen.service")).output)) {
    if (performance.now() > limit) expect.fail((await machine.try("journalctl -u frozen")).output);
    await sleep(50);
  }
}

describe.skipIf(why !== undefined)(`under systemd${why ? ` (${why})` : ""}`, () => {
  test("all is killed at once, and ExecStopPost thaws within the deadline and a second", async (context) => {
    const disks = [await diskOf(context), await diskOf(context)];
    const theirs = await diskOf(context);
    const shared = await folder();
    const binds = [...disks, theirs].map(({ path: mount }) => `${mount}:${mount}`);
    const machine = await bootSystemd(context, [...common, ...binds, `${shared}:/shared`]);
    await frozenService(machine, shared, disks, 20_000);
    freezeByHand(theirs);
    const begun = performance.now();
    await machine.run("systemctl kill --kill-whom=all --signal=SIGKILL frozen.service");
    await thawedWithin(disks, deadline + 1_000);
    expect(performance.now() - begun).toBeLessThan(deadline + 1_000);
    expect(thawByHand(theirs), "what others froze stays frozen").toBe(true);
    // A thawer that was killed a moment after the guard has thawed already; what came after them tells the rest.
    await ended(machine);
    const { output } = await machine.try("cat /shared/thawed");
    const [ledger] = (JSON.parse(output) as ThawReport).ledgers;
    expect(ledger?.state).toBe("done");
    expect(["thawed", "was-not-frozen"]).toEqual(
      expect.arrayContaining(ledger?.mounts.map(({ outcome }) => outcome) ?? []),
    );
    expect((await machine.try("ls /run/ec2-backup")).output, "no ledger is left").toBe("");
  });

  test("a service that is stopped in the midst of a freeze leaves nothing frozen", async (context) => {
    const disk = await diskOf(context);
    const shared = await folder();
    const machine = await bootSystemd(context, [...common, `${disk.path}:${disk.path}`, `${shared}:/shared`]);
    await frozenService(machine, shared, [disk], 20_000);
    await machine.run("systemctl stop frozen.service");
    expect(isFrozen(disk)).toBe(false);
    const { output } = await machine.try("ls /run/ec2-backup");
    expect(output, "no ledger is left").toBe("");
  });

  test("systemd understands our units", async (context) => {
    const machine = await bootSystemd(context, common);
    // The command is there as soon as it is installed; the units must say nothing that systemd does not know.
    await machine.run("printf '#!/bin/sh\\n' > /usr/bin/ec2-backup && chmod 755 /usr/bin/ec2-backup");
    await machine.run("cp /source/systemd/*.service /etc/systemd/system/");
    const verified = await machine.run("systemd-analyze verify ec2-backup.service ec2-backup-run.service");
    expect(verified).toBe("");
    const shown = await machine.run(
      "systemctl show -p KillMode -p RuntimeDirectoryPreserve -p TimeoutStopUSec -p NotifyAccess ec2-backup.service",
    );
    expect(shown.split("\n").sort()).toEqual([
      "KillMode=mixed",
      "NotifyAccess=main",
      "RuntimeDirectoryPreserve=yes",
      "TimeoutStopUSec=5min 30s",
    ]);
    const post = (unit: string) => machine.run(`systemctl show -p ExecStopPost ${unit}`);
    expect(await post("ec2-backup.service")).toContain("argv[]=/usr/bin/ec2-backup thaw ;");
    // It may run beside the daemon, whose freeze is none of its business.
    expect(await post("ec2-backup-run.service")).toContain("argv[]=/usr/bin/ec2-backup thaw --leftovers ;");
  });
});
