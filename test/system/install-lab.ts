import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { folder } from "../host/places.ts";
import type { Context } from "./freeze-lab.ts";
import { scenarioOf } from "./history.ts";
import { bootSystemd, type Machine } from "./systemd/boot.ts";
import { lookUntil } from "./systemd/look-until.ts";

const source = path.join(import.meta.dirname, "..", "..");
export const program = `/node/${path.basename(process.execPath)} /source/dist/ec2-backup.js`;
const simulator = `/node/${path.basename(process.execPath)} /source/dist/ec2-backup-simulator.js`;

/** A machine with systemd, an AWS of its own and nothing of ours but the program, as from an archive. */
export class InstallLab {
  readonly machine: Machine;
  readonly shared: string;
  /** The environment in which the agent knows its AWS, as words of a shell. */
  readonly settings: string;

  private constructor(machine: Machine, shared: string, settings: string) {
    this.machine = machine;
    this.shared = shared;
    this.settings = settings;
  }

  static async start(context: Context): Promise<InstallLab> {
    const shared = await folder();
    const scenario = scenarioOf(2, 1, { limits: false });
    const tagged = JSON.stringify(scenario).replaceAll('"Name":"host"', '"Name":"host","Backup":"yes"');
    writeFileSync(path.join(shared, "scenario.json"), tagged);
    const machine = await bootSystemd(context, [
      `${source}:/checkout`,
      `${path.dirname(process.execPath)}:/its-node`,
      `${shared}:/shared`,
    ]);
    // Whoever owns the checkout: what root is to start must be root's.
    await machine.run(
      `mkdir /source /node && cd /checkout && cp -r dist systemd policies package.json /source && cp /its-node/${path.basename(process.execPath)} /node && chown -R root:root /source /node && chmod -R go-w /source /node`,
    );
    // What other tests leave on this machine is no part of that one.
    // They may be at it.
    await machine.run(
      "for _ in 1 2 3 4 5 6; do rm -rf /etc/ec2-backup /var/lib/ec2-backup /var/cache/ec2-backup && break; done",
    );
    await machine.run(
      `systemd-run --quiet --unit=aws --property=StandardOutput=file:/shared/aws.json ${simulator} --scenario /shared/scenario.json`,
    );
    const said = await lookUntil(
      () => machine.try("cat /shared/aws.json"),
      ({ output }) => output.includes("\n") || output.endsWith("}"),
    );
    const environment = JSON.parse(said.output) as Record<string, string>;
    const settings = Object.entries(environment)
      .map(([name, value]) => `'${name}=${value}'`)
      .join(" ");
    await machine.run(`systemctl set-environment ${settings}`);
    return new InstallLab(machine, shared, settings);
  }

  /** Runs the program by hand. */
  async byHand(words: string): Promise<{ readonly code: number; readonly output: string }> {
    return this.machine.try(`env ${this.settings} ${program} ${words}`);
  }

  /** The same, which must end with this code. */
  async agent(words: string, code = 0): Promise<string> {
    const ended = await this.byHand(words);
    expect(ended.code, `${words}\n${ended.output}`).toBe(code);
    return ended.output;
  }

  /** What starts backups, by systemd and the files. */
  async schedulers(): Promise<string[]> {
    const script = `for unit in ec2-backup.service ec2-backup-run.timer; do
 systemctl is-enabled --quiet $unit 2>/dev/null && systemctl is-active --quiet $unit && echo $unit; done;
 [ ! -e /etc/cron.daily/ec2-backup ] || echo cron; true`;
    return (await this.machine.run(script)).split("\n").filter((line) => line !== "");
  }

  /** All files and directories of our name, where the system keeps such. */
  async files(): Promise<string[]> {
    const found = await this.machine.run(
      "find /etc /run /var/lib /var/cache /var/log /var/spool /usr/bin /usr/lib/systemd -xdev -name '*ec2-backup*' -print 2>/dev/null; true",
    );
    return found.split("\n").filter((line) => line !== "");
  }
}
