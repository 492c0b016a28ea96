import path from "node:path";
import { describe, expect, test } from "vitest";
import { defaultSyslog } from "../../src/config/defaults.ts";
import { outboxWaits } from "../../src/log/outbox.ts";
import { folder, node } from "../host/places.ts";
import { bootSystemd, type Machine, systemdHindrance } from "./systemd/boot.ts";

const source = path.join(import.meta.dirname, "..", "..");
const common = [`${source}:/source`, `${path.dirname(process.execPath)}:/node`];
const program = [`/node/${path.basename(process.execPath)}`, ...node.slice(1)].join(" ");

interface Entry {
  readonly MESSAGE: string;
  readonly PRIORITY: string;
  readonly SYSLOG_IDENTIFIER: string;
  readonly SYSLOG_PID?: string;
  readonly SYSLOG_FACILITY?: string;
}

async function entries(machine: Machine, which: string): Promise<Entry[]> {
  await machine.run("journalctl --sync");
  const text = await machine.run(`journalctl --output=json --no-pager ${which}`);
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

const hint = systemdHindrance === undefined ? "" : ` (skipped: ${systemdHindrance})`;
describe.skipIf(systemdHindrance !== undefined)(`journald under systemd${hint}`, () => {
  test("has each line with its gravity, from the service's output and from the local socket, also when it is started again in between", async (context) => {
    const shared = await folder();
    const machine = await bootSystemd(context, [...common, `${shared}:/shared`]);
    const settings = {
      eventLog: false,
      flushWithin: 2_000,
      syslog: { ...defaultSyslog, facility: "local5" },
    };
    const order = JSON.stringify({ settings, waits: { ...outboxWaits, retryEvery: 50 } });
    // What it reads comes over several seconds, in whose midst journald is another.
    const words = "for n in 1 2 3 4 5 6 7 8 9 10; do echo line $n; sleep 0.2; done";
    const restart = "(sleep 1; systemctl restart systemd-journald)";
    await machine.run("systemctl is-active systemd-journald");
    const code = await machine.try(
      `${restart} & (${words}) | ${program} /source/test/fakes/log-speaker.ts '${order}'; rc=$?; wait; exit $rc`,
    );
    expect(code).toEqual({ code: 0, output: "ending" });
    const local = await entries(machine, "SYSLOG_IDENTIFIER=ec2-backup");
    expect(new Set(local.map(({ MESSAGE }) => MESSAGE))).toEqual(
      new Set(Array.from({ length: 10 }, (_, index) => `info: line ${index + 1}`)),
    );
    expect(local[0]).toMatchObject({ PRIORITY: "6", SYSLOG_FACILITY: "21" });
    expect(local[0]?.SYSLOG_PID).toMatch(/^\d+$/);

    const unit = [
      "printf '[Service]\\nType=oneshot\\nEnvironment=AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1\\n",
      `ExecStart=${program} /source/src/main.ts run\\n'`,
      " > /etc/systemd/system/once.service && systemctl daemon-reload; systemctl start once",
    ].join("");
    await machine.try(unit);
    const own = await entries(machine, "_SYSTEMD_UNIT=once.service _TRANSPORT=stdout");
    const failure = own.find(({ MESSAGE }) => MESSAGE.startsWith("error: "));
    expect(failure, JSON.stringify(own)).toMatchObject({ PRIORITY: "3" });
    expect(own.find(({ MESSAGE }) => MESSAGE.startsWith("warn: run failed"))).toMatchObject({
      PRIORITY: "4",
    });
  });
});
