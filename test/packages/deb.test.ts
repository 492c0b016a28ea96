import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startSimulator } from "../../src/simulator/server.ts";
import { has, isLinux, isRoot, need } from "../host/places.ts";
import { bootSystemd, type Machine, systemdHindrance } from "../system/systemd/boot.ts";
import { build, debOfVersion, isSoak, root } from "./build.ts";
import { minimalRoot } from "./minimal-root.ts";

/** README's way from nothing to a backup. */
const fiveMinutes = `sudo dpkg -i ec2-backup-agent_*_amd64.deb
sudo ec2-backup plan --all
sudo ec2-backup run --all
sudo ec2-backup list`;

const possible = isLinux && isRoot && process.arch === "x64" && has("dpkg-deb");
const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-deb-test-"));
let deb = "";

describe("the .deb", () => {
  beforeAll(async () => {
    if (!possible) return;
    // Compressing Node takes longer than all the rest; the soak's package is the one that is published.
    const [file = ""] = (await build(work, ["--only", "deb-amd64", ...(isSoak ? [] : ["--stored"])])).filter(
      (name) => name.endsWith(".deb"),
    );
    deb = path.join(work, file);
    // With Node's package to be got first, where it is not there.
  }, 300_000);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test("starts and makes a backup where there is next to nothing else", async (context) => {
    need(context, possible, "root, dpkg-deb and x64 Linux");
    const place = minimalRoot(context);
    execFileSync("dpkg-deb", ["-x", deb, place]);
    const simulator = await startSimulator({
      scenario: { limits: false, settle: { seconds: 0, secondsPerGiB: 0 } },
    });
    onTestFinished(() => simulator.close());
    const env = { PATH: "/usr/bin:/bin", HOME: "/root", ...simulator.environment };
    const start = (...words: string[]) =>
      promisify(execFile)("/usr/sbin/chroot", [place, "/usr/bin/ec2-backup", ...words], { env, cwd: "/" });
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    expect((await start("--version")).stdout).toBe(`${version}\n`);
    expect((await start("run", "--all")).stdout).toContain("complete, crash-consistent");
  });

  test("from nothing to the first backup by README's commands, then upgraded, rolled back, removed and purged", async (context) => {
    need(context, possible && systemdHindrance === undefined, "root, dpkg-deb, systemd and x64 Linux");
    const booted = await bootSystemd(context, [
      `${work}:/media`,
      `${root}/dist:/srv`,
      `${path.dirname(process.execPath)}:/opt`,
    ]);
    // Not that of whoever runs the tests, in which there may be a Node.
    const plain = "PATH=/usr/sbin:/usr/bin:/sbin:/bin;";
    const machine: Machine = {
      run: (command) => booted.run(`${plain} ${command}`),
      try: (command) => booted.try(`${plain} ${command}`),
    };
    await firstBackup(machine);
    await upgradeAndRollBack(machine);
    await leave(machine);
  }, 330_000);

  test("README gives the commands that are tested here", () => {
    const readme = readFileSync(path.join(root, "README.md"), "utf8");
    expect(readme).toContain(fiveMinutes);
  });
});

const aws = "set -a; . /run/aws.env; set +a;";

/** The simulator is not installed with the agent; it runs on the Node of this test. */
async function firstBackup(machine: Machine): Promise<void> {
  writeFileSync(
    path.join(work, "scenario.json"),
    JSON.stringify({ limits: false, settle: { seconds: 0, secondsPerGiB: 0 } }),
  );
  await machine.run(
    "rm -f /usr/bin/node /usr/local/bin/node; rm -rf /var/cache/ec2-backup; ! command -v node",
  );
  await machine.run(
    `cp -r /srv /root/dist; (/opt/${path.basename(process.execPath)} /srv/ec2-backup-simulator.js --scenario /media/scenario.json > /run/aws.json 2>/run/aws.err &) ; until [ -s /run/aws.json ]; do sleep 0.05; done`,
  );
  await machine.run(
    `tr -d '{}"' < /run/aws.json | tr ',' '\\n' | sed 's/:/=/' > /run/aws.env; cat /run/aws.env`,
  );
  const start = performance.now();
  for (const line of fiveMinutes.split("\n")) {
    const output = await machine.run(`${aws} cd /media && ${line.replace(/^sudo /, "")}`);
    if (line.includes("dpkg")) expect(output).toContain("sudo ec2-backup install ");
    if (line.includes(" run ")) expect(output).toContain("complete, crash-consistent");
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(`from the package to the first backup by README's commands: ${seconds.toFixed(1)} s`);
  expect(seconds).toBeLessThan(300);
  // The launcher keeps compiled code, so the starter leads to it.
  expect(await machine.run("ls /var/cache/ec2-backup/compiled")).toContain("main.cjs");
  expect(await machine.run("systemctl is-enabled ec2-backup.service || :")).toBe("disabled");
  expect(await machine.run("man -w ec2-backup || ls /usr/share/man/man8/ec2-backup.8.gz")).toContain(
    "ec2-backup.8",
  );
}

async function upgradeAndRollBack(machine: Machine): Promise<void> {
  debOfVersion(deb, "0.0.9", work);
  debOfVersion(deb, "9.9.9", work);
  // What the service runs is not the matter here, but whether and when it is started anew.
  await machine.run(
    `mkdir -p /etc/systemd/system/ec2-backup.service.d; printf '[Service]\\nType=exec\\nExecStartPre=\\nExecStart=\\nExecStart=/bin/sleep 1000\\nExecStopPost=\\n' > /etc/systemd/system/ec2-backup.service.d/own.conf; systemctl daemon-reload`,
  );
  const upgrade = (version: string) => machine.run(`dpkg -i /media/ec2-backup-agent_${version}_amd64.deb`);
  await upgrade("9.9.9");
  expect((await machine.try("systemctl is-active ec2-backup.service")).output).toBe("inactive");
  await machine.run("systemctl enable --now ec2-backup.service");
  const pid = () => machine.run("systemctl show -P MainPID ec2-backup.service");
  const before = await pid();
  // Downwards, as a rollback is; what is enabled stays so, and what the agent remembers is read.
  expect(await upgrade("0.0.9")).not.toContain("Nothing runs yet");
  await machine.run(
    `for n in $(seq 100); do [ "$(systemctl show -P MainPID ec2-backup.service)" != ${before} ] && break; sleep 0.05; done`,
  );
  expect(await pid()).not.toBe(before);
  expect(await machine.run("systemctl is-enabled ec2-backup.service")).toBe("enabled");
  expect(await machine.run(`${aws} ec2-backup status --offline || :`)).not.toMatch(/damaged|later version/);
  await stateOfLaterVersion(machine);
}

/** A later version may write what this one cannot read: that is said, set aside and not lost. */
async function stateOfLaterVersion(machine: Machine): Promise<void> {
  const file = (await machine.run("ls /var/lib/ec2-backup/i-*/job-default.json")).trim();
  await machine.run(`sed -i 's/"version":1,/"version":2,/' ${file}`);
  const { code, output } = await machine.try(`${aws} ec2-backup run --all`);
  expect(output).toContain("complete, crash-consistent");
  expect([0, 1]).toContain(code);
  expect(await machine.run(`ls ${file}.v2`)).toContain(".v2");
  expect(await machine.run(`${aws} ec2-backup list --json`)).toContain('"points"');
}

async function leave(machine: Machine): Promise<void> {
  await machine.run("mkdir -p /etc/ec2-backup && echo 'version: 1' > /etc/ec2-backup/config.yaml");
  await machine.run("dpkg -r ec2-backup-agent");
  expect((await machine.try("systemctl is-active ec2-backup.service")).output).not.toBe("active");
  expect((await machine.try("ls -R /etc/systemd/system/*.wants | grep ec2-backup")).output).toBe("");
  expect((await machine.try("ls /usr/lib/ec2-backup /usr/bin/ec2-backup")).code).not.toBe(0);
  await machine.run("ls /etc/ec2-backup/config.yaml /var/lib/ec2-backup/i-*/job-default.json");
  expect(await machine.run("dpkg -P ec2-backup-agent")).toContain("every snapshot in AWS stays");
  expect(
    (await machine.try("ls -d /etc/ec2-backup /var/lib/ec2-backup /var/cache/ec2-backup 2>/dev/null")).output,
  ).toBe("");
}
