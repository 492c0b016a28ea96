import { describe, expect, test } from "vitest";
import { InstallLab } from "./install-lab.ts";
import { systemdHindrance } from "./systemd/boot.ts";
import { lookUntil } from "./systemd/look-until.ts";

const script = "/etc/cron.daily/ec2-backup";
/** As cron starts what it starts. */
const cron = "PATH=/usr/bin:/bin SHELL=/bin/sh HOME=/root LOGNAME=root";
const isSoak = process.env["SOAK"] === "1";

class CronLab {
  readonly lab: InstallLab;

  private constructor(lab: InstallLab) {
    this.lab = lab;
  }

  static async start(context: Parameters<typeof InstallLab.start>[0]): Promise<CronLab> {
    const lab = await InstallLab.start(context);
    await lab.machine.run("rm -f /etc/cron.daily/*");
    const mailer = "#!/bin/sh\\ncat > /run/mail\\n";
    await lab.machine.run(
      `printf '${mailer}' > /usr/sbin/sendmail && chmod 755 /usr/sbin/sendmail && rm -f /run/mail`,
    );
    return new CronLab(lab);
  }

  /** Where no systemd is to be seen. */
  bare(command: string): Promise<{ readonly code: number; readonly output: string }> {
    return this.lab.machine.try(`unshare --mount sh -c 'mount -t tmpfs none /run/systemd; ${command}'`);
  }

  /** What run-parts prints of all daily jobs, and what it ends with. */
  parts(more = ""): Promise<{ readonly code: number; readonly output: string }> {
    const { settings } = this.lab;
    return this.lab.machine.try(
      `env -i ${cron} ${settings} EC2_BACKUP_SPLAY=0s ${more} run-parts --report /etc/cron.daily`,
    );
  }

  async points(): Promise<number> {
    const { output } = await this.lab.byHand("list --json");
    return (JSON.parse(output) as { points: readonly unknown[] }).points.length;
  }

  /** The next run may be, and nothing of the last is left to be seen. */
  async madeAnother(before: number): Promise<void> {
    await lookUntil(
      () => this.points(),
      (count) => count === before + 1,
    );
    await lookUntil(
      () => this.lab.machine.try("pgrep -f '[-]-apart'"),
      ({ code }) => code !== 0,
    );
  }

  async logged(text: string, priority: string): Promise<void> {
    await lookUntil(
      () => this.lab.machine.try(`journalctl -t ec2-backup -p ${priority}..${priority} -o cat --no-pager`),
      ({ output }) => output.includes(text),
    );
  }
}

const title = `a daily script of cron${systemdHindrance === undefined ? "" : ` (${systemdHindrance})`}`;

describe.skipIf(systemdHindrance !== undefined)(title, () => {
  test("is what install makes where no systemd is, and what run-parts runs in the background", async (context) => {
    const on = await CronLab.start(context);
    const { lab } = on;
    const program = `env ${lab.settings.replaceAll("'", '"')} /node/node /source/dist/ec2-backup.js`;
    const installed = await on.bare(`${program} install --yes --no-check`);
    expect(installed.output).toContain("Why: systemd does not run here.");
    expect(installed.code).toBe(0);
    expect(await lab.schedulers()).toEqual(["cron"]);
    expect((await on.bare(`${program} install --yes --no-check`)).output).toContain(
      "Nothing was to be done.",
    );
    expect(await lab.machine.run("run-parts --test /etc/cron.daily")).toBe(script);
    expect(await lab.agent("install --timer --yes", 2)).toContain(`${script} starts backups already`);

    const before = await on.points();
    expect(await on.parts(), "success says nothing").toEqual({ code: 0, output: "" });
    await on.madeAnother(before);

    // As cronie's run-parts reads it: the other jobs wait for the end of this pipe.
    const piped = `env -i ${cron} ${lab.settings} EC2_BACKUP_SPLAY=2s ${script} 2>&1 | cat; pgrep -f '[-]-apart' >/dev/null && echo goes on`;
    expect(await lab.machine.run(piped)).toBe("goes on");
    await on.madeAnother(before + 1);

    // As anacron.service of Debian does, which kills what it leaves.
    const service = lab.settings.replaceAll(/'(\S+)'/g, "'--setenv=$1'");
    await lab.machine.run(
      `systemd-run --quiet --wait --property=KillMode=mixed ${service} --setenv=EC2_BACKUP_SPLAY=1s run-parts /etc/cron.daily`,
    );
    await on.madeAnother(before + 2);
  }, 120_000);

  test("says what fails in the log and by mail, and lets another scheduler alone", async (context) => {
    const on = await CronLab.start(context);
    const { lab } = on;
    await lab.agent("install --cron-daily --yes --no-check");
    const failing = "STATE_DIRECTORY=/proc/none";
    expect(await on.parts(failing)).toEqual({ code: 0, output: "" });
    await on.logged("the backup failed with exit code 73", "err");
    const { output: mail } = await lookUntil(
      () => lab.machine.try("cat /run/mail"),
      ({ output }) => output.includes("/proc/none"),
    );
    expect(mail).toMatch(/^To: root\nSubject: ec2-backup on \S+: exit code 73\n/);

    const now = await lab.machine.try(`env -i ${cron} ${lab.settings} ${failing} ${script} --now`);
    expect(now.code).toBe(73);
    expect(now.output).toContain("/proc/none");
    const before = await on.points();
    expect(await lab.machine.try(`env -i ${cron} ${lab.settings} ${script} --now`)).toEqual({
      code: 0,
      output: "",
    });
    expect(await on.points()).toBe(before + 1);

    const gone = await lab.machine.try(`unshare --mount sh -c 'mount -t tmpfs none /source; ${script}'`);
    expect(gone.code).toBe(2);
    expect(gone.output).toContain("/source/dist/ec2-backup.js is gone, so no backup was made");

    await lab.machine.run("systemd-run --quiet --unit=ec2-backup sleep 1000");
    expect(await on.parts()).toEqual({ code: 0, output: "" });
    await on.logged("ec2-backup.service starts the backups of this host, so cron started none", "notice");
    expect((await lab.machine.try("pgrep -f '[-]-apart'")).code).not.toBe(0);
    expect(await on.points()).toBe(before + 1);
  }, 120_000);

  test.skipIf(!isSoak)(
    "is started by a real cron (SOAK=1: it waits for the next minute)",
    async (context) => {
      const on = await CronLab.start(context);
      const { lab } = on;
      await lab.agent("install --cron-daily --yes --no-check");
      const lines = lab.settings.replaceAll("'", "").split(" ");
      const entry = "* * * * * root cd / && run-parts --report /etc/cron.daily";
      const table = [...lines, "EC2_BACKUP_SPLAY=0s", entry].map((line) => `'${line}'`).join(" ");
      await lab.machine.run(`printf '%s\\n' ${table} > /etc/crontab && chmod 644 /etc/crontab`);
      const before = await on.points();
      await lab.machine.run(
        "systemd-run --quiet --unit=a-cron --property=KillMode=process /usr/sbin/cron -f",
      );
      await lookUntil(
        () => on.points(),
        (count) => count > before,
        undefined,
        90_000,
      );
      expect((await lab.machine.try("cat /run/mail")).code, "success is not mailed").not.toBe(0);
    },
    180_000,
  );
});
