import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { InstallLab, program } from "./install-lab.ts";
import { systemdHindrance } from "./systemd/boot.ts";

const title = `install under systemd${systemdHindrance === undefined ? "" : ` (${systemdHindrance})`}`;

describe.skipIf(systemdHindrance !== undefined)(title, () => {
  test("makes a timer, once, beside no other, and takes it away again", async (context) => {
    const lab = await InstallLab.start(context);
    const before = await lab.files();
    expect(await lab.agent("install", 2)).toContain("Nothing was changed: add --yes.");
    expect(await lab.files()).toEqual(before);

    await lab.machine.run("chown 12345 /source/dist/ec2-backup.js");
    expect(await lab.agent("install --yes", 2)).toContain("others than root can exchange the program");
    expect(await lab.files()).toEqual(before);
    await lab.machine.run("chown root /source/dist/ec2-backup.js");

    const installed = await lab.agent("install --yes");
    expect(installed).toContain("Why: systemd runs here");
    expect(installed).toContain("Installed.");
    expect(installed).toContain("Job default: a run takes 2 volumes");
    expect(await lab.schedulers()).toEqual(["ec2-backup-run.timer"]);
    expect(await lab.machine.run("systemctl list-timers --no-legend ec2-backup-run.timer")).toContain(
      "ec2-backup-run.service",
    );
    await lab.machine.run("systemctl start ec2-backup-run.service");
    expect(await lab.agent("list")).toMatch(/complete|pending/);
    expect(await lab.agent("install --yes --no-check")).toContain("Nothing was to be done.");

    const refused = await lab.agent("install --daemon --yes", 2);
    expect(refused).toContain("ec2-backup-run.timer starts backups already");
    expect(refused).toContain("$ ec2-backup install --daemon --replace");
    expect(await lab.schedulers()).toEqual(["ec2-backup-run.timer"]);
    const fails = "/run/systemd/system/ec2-backup.service.d";
    await lab.machine.run(
      `mkdir -p ${fails} && printf '[Service]\\nExecStartPre=/bin/false\\n' > ${fails}/fails.conf && systemctl daemon-reload`,
    );
    for (const words of ["--daemon --replace", ""]) {
      const failed = await lab.agent(`install ${words} --yes --no-check`, 2);
      expect(failed).toContain("what started backups before still does; repeat this install");
      expect(await lab.schedulers()).toEqual(["ec2-backup-run.timer"]);
    }
    await lab.machine.run(`rm -r ${fails} && systemctl daemon-reload`);
    await lab.agent("install --yes --no-check");
    expect(await lab.schedulers()).toEqual(["ec2-backup.service"]);

    await lab.machine.run("echo '# mine' >> /etc/systemd/system/ec2-backup.service");
    const changed = await lab.agent("install --yes", 2);
    expect(changed).toContain("ec2-backup.service is not as install would write it");
    expect(changed).toContain("- # mine");
    await lab.machine.run("echo 'jobs: [' > /etc/ec2-backup/config.yaml");
    const faulty = await lab.agent("install --yes --overwrite", 1);
    expect(faulty).toContain("error configuration:");
    expect(faulty).toContain("Backups will fail until this is mended");
    await lab.machine.run("echo 'version: 1' > /etc/ec2-backup/config.yaml");
    await lab.machine.run("echo '# mine' >> /etc/systemd/system/ec2-backup-beat.timer");

    const shown = await lab.agent("uninstall", 2);
    expect(shown).toContain("ec2-backup alarms remove");
    expect(await lab.schedulers()).toEqual(["ec2-backup.service"]);
    await lab.agent("uninstall --yes");
    expect(await lab.schedulers()).toEqual([]);
    const left = ["/etc/ec2-backup", "/etc/systemd/system/ec2-backup-beat.timer", "/var/lib/ec2-backup"];
    expect((await lab.files()).filter((file) => !before.includes(file)).sort()).toEqual(left);
    await lab.machine.run("mkdir /srv/data && touch /srv/data/theirs");
    const elsewhere = await lab.machine.try(`STATE_DIRECTORY=/srv/data ${program} uninstall --yes --purge`);
    expect(elsewhere.output).toContain("/srv/data");
    expect(await lab.machine.run("ls /srv/data")).toBe("theirs");
    await lab.agent("uninstall --yes --purge");
    expect(await lab.files()).toContain("/etc/systemd/system/ec2-backup-beat.timer");
    expect((await lab.files()).filter((file) => !before.includes(file))).toHaveLength(1);
  }, 120_000);
});

/** A systemctl that lets the program that called it die, before or after what it was to do. */
const deadly = `#!/bin/sh
case " $* " in *" daemon-reload "*|*" enable "*|*" disable "*|*" restart "*) ;; *) exec /usr/bin/systemctl.real "$@" ;; esac
calls=$(cat /run/calls); echo $((calls + 1)) > /run/calls
[ "$calls/before" != "$(cat /run/deadly)" ] || { kill -9 $PPID; exit 1; }
/usr/bin/systemctl.real "$@"; code=$?
[ "$calls/after" != "$(cat /run/deadly)" ] || kill -9 $PPID
exit $code
`;

describe.skipIf(systemdHindrance !== undefined)("an install that dies", () => {
  test("leaves a scheduler at work, tells of two, and is ended by the next", async (context) => {
    const lab = await InstallLab.start(context);
    writeFileSync(path.join(lab.shared, "systemctl"), deadly, { mode: 0o755 });
    await lab.machine.run(
      "mv /usr/bin/systemctl /usr/bin/systemctl.real && cp /shared/systemctl /usr/bin/systemctl",
    );
    const arm = (when: string) => lab.machine.run(`echo 0 > /run/calls; echo ${when} > /run/deadly`);
    await arm("never");
    await lab.agent("install --timer --yes --no-check");
    const order = [
      ["daemon", "timer"],
      ["timer", "cron-daily"],
      ["cron-daily", "daemon"],
    ] as const;
    const names = { daemon: "ec2-backup.service", timer: "ec2-backup-run.timer", "cron-daily": "cron" };
    const isSoak = process.env["SOAK"] === "1";
    const rounds = isSoak ? 3 : 1;
    let [deaths, from] = [0, "timer"];
    for (let round = 0; round < rounds; round += 1)
      for (const when of isSoak
        ? ["0/before", "0/after", "1/before", "1/after", "2/before", "2/after"]
        : ["0/after", "0/before"]) {
        const to = order.find(([, before]) => before === from)?.[0] ?? "timer";
        await arm(when);
        const { code } = await lab.byHand(`install --${to} --replace --yes --no-check`);
        const died = code === 137;
        if (died) deaths += 1;
        else expect(code).toBe(0);
        const there = await lab.schedulers();
        expect(there.length, `${from} to ${to}, dead at ${when}`).toBeGreaterThan(0);
        await arm("never");
        // What was begun is known: neither its name nor --replace has to be said again.
        await lab.agent("install --yes --no-check");
        expect(await lab.schedulers(), `${from} to ${to}, dead at ${when}`).toEqual([
          names[to as keyof typeof names],
        ]);
        from = to;
      }
    expect(deaths).toBeGreaterThanOrEqual(2 * rounds);
  }, 240_000);
});
