import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Finding } from "../../src/core/finding.ts";
import type { Scheduler } from "../../src/core/schedulers.ts";
import { folder, node } from "../host/places.ts";
import { bootSystemd, systemdHindrance } from "./systemd/boot.ts";

const source = path.join(import.meta.dirname, "..", "..");
const units = path.join(source, "systemd");
const program = `/node/${path.basename(process.execPath)} ${node.slice(1).join(" ")}`;

const timer = `[Unit]
Description=nightly
[Timer]
OnCalendar=*-*-* 02:17:00
Unit=ec2-backup-run.service
[Install]
WantedBy=timers.target
`;

describe.skipIf(systemdHindrance !== undefined)(
  `doctor under systemd${systemdHindrance === undefined ? "" : ` (${systemdHindrance})`}`,
  () => {
    test("tells a daemon and timers that are enabled, running, both or neither", async (context) => {
      const shared = await folder();
      // The daemon's stand-in says nothing to systemd, so it is not waited for.
      const service = readFileSync(path.join(units, "ec2-backup.service"), "utf8");
      writeFileSync(path.join(shared, "ec2-backup.service"), service.replace("Type=notify", "Type=exec"));
      copyFileSync(path.join(units, "ec2-backup-run.service"), path.join(shared, "ec2-backup-run.service"));
      writeFileSync(path.join(shared, "nightly.timer"), timer);
      const script = '#!/bin/sh\n[ "$1" != daemon ] || exec sleep 1000\n';
      writeFileSync(path.join(shared, "ec2-backup"), script, { mode: 0o755 });
      const machine = await bootSystemd(context, [
        `${source}:/source`,
        `${path.dirname(process.execPath)}:/node`,
        `${shared}:/shared`,
      ]);
      const look = async (): Promise<{ schedulers: Scheduler[]; what: string[] }> => {
        const printed = await machine.run(`${program} /source/test/system/print-schedulers.ts 2>/dev/null`);
        const { schedulers, findings } = JSON.parse(printed) as {
          schedulers: Scheduler[];
          findings: Finding[];
        };
        return { schedulers, what: findings.map(({ what }) => what) };
      };
      const facts = async () =>
        (await look()).schedulers.map(({ kind, name, enabled, active }) => [kind, name, enabled, active]);

      expect((await look()).what).toEqual([expect.stringMatching(/^nothing on this host starts backups/)]);
      await machine.run(
        "cp /shared/ec2-backup /usr/bin/ && cp /shared/*.service /shared/*.timer /etc/systemd/system/ && systemctl daemon-reload",
      );
      expect((await look()).what).toEqual([
        "ec2-backup.service is installed, but neither enabled nor running",
      ]);
      expect(await facts()).toEqual([
        ["service", "ec2-backup.service", false, false],
        ["timer", "nightly.timer", false, false],
      ]);
      await machine.run("systemctl enable ec2-backup.service");
      expect((await look()).what).toEqual(["ec2-backup.service is enabled, but not running"]);
      await machine.run("systemctl start ec2-backup.service");
      expect((await look()).what).toEqual([]);
      const [daemon] = (await look()).schedulers as (Scheduler & { pid?: number })[];
      expect(daemon?.pid).toBeGreaterThan(1);
      await machine.run("systemctl start nightly.timer");
      expect((await look()).what).toEqual([
        "nightly.timer runs, but is not enabled",
        "2 schedulers start backups: ec2-backup.service, nightly.timer",
      ]);
      await machine.run("systemctl enable nightly.timer && systemctl disable --now ec2-backup.service");
      expect((await look()).what).toEqual([]);
      expect(await facts()).toEqual([
        ["service", "ec2-backup.service", false, false],
        ["timer", "nightly.timer", true, true],
      ]);
    });
  },
);
