import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { describeWith, startRedis } from "../hooks/servers.ts";
import { has, isLinux, isRoot, need } from "../host/places.ts";
import { canMountSilent, mountSilent, silentNeeds } from "../host/silent-mount.ts";
import { volumesOf } from "../system/history.ts";
import { LoopDisks, loopDisksCan, loopDisksNeed } from "../system/loop-disks.ts";
import { healthyHost, noticed } from "./doctor-host.ts";

/** A small filesystem of its own, gone with the test. */
function tmpfs(at: string, options: string): void {
  mkdirSync(at, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", at]);
  onTestFinished(() => void execFileSync("umount", [at]));
}

const canMount = isLinux && isRoot && has("mount");

describe("doctor looks at where state and log are written and", () => {
  test("warns of little space", async (context) => {
    need(context, canMount, "root, to mount a small filesystem");
    const patient = await healthyHost();
    tmpfs(patient.state, "size=20M,mode=755");
    const { findings } = await patient.examine();
    expect(findings).toMatchObject([
      { check: "space", severity: "warning", what: /^20.0 MiB are free at .*state/, command: /^du -xhd1 / },
    ]);
  });

  test("finds a full filesystem", async (context) => {
    need(context, canMount, "root, to mount a small filesystem");
    const patient = await healthyHost();
    tmpfs(patient.state, "size=512k,mode=755");
    const { findings } = await patient.examine();
    expect(findings).toMatchObject([{ check: "space", severity: "error", kind: "cannot-write" }]);
  });

  test("finds a log on a server that is gone, and does not wait for it", async (context) => {
    need(context, isLinux && canMountSilent, silentNeeds);
    const patient = await healthyHost();
    const share = path.join(patient.root, "share");
    await mountSilent(share);
    patient.configure(`${noticed}jobs: { default: {} }\nlog: { file: { path: ${share}/agent.log } }\n`);
    const { findings } = await patient.examine();
    expect(findings).toMatchObject([
      {
        ...{ check: "space", severity: "warning" },
        what: expect.stringMatching(/agent\.log \(the agent's log\) cannot be written: the fuse\.silent at /),
      },
    ]);
  });

  test("finds one without room for another file", async (context) => {
    need(context, canMount, "root, to mount a small filesystem");
    const patient = await healthyHost();
    tmpfs(patient.state, "size=200M,nr_inodes=5,mode=755");
    const { findings } = await patient.examine();
    expect(findings).toMatchObject([{ check: "space", severity: "error", what: /more files can be made/ }]);
  });

  test("finds one that is read-only, also where the directory is still to be made", async (context) => {
    need(context, canMount, "root, to mount a small filesystem");
    const patient = await healthyHost();
    tmpfs(patient.state, "size=200M,ro");
    const { findings } = await patient.examine({ stateDirectory: path.join(patient.state, "not/yet") });
    expect(findings).toMatchObject([
      { check: "space", severity: "error", what: /cannot be written: EROFS/, command: /^findmnt --target / },
    ]);
  });
});

describe("doctor looks at what starts backups and", () => {
  test("finds a daemon that was started by hand beside cron", async (context) => {
    need(context, isLinux, "/proc");
    const patient = await healthyHost();
    const child = patient.script("ec2-backup", "daemon");
    const { findings } = await patient.examine();
    expect(findings.map(({ what }) => what)).toEqual([
      `the daemon (process ${child.pid}) was started by hand`,
      expect.stringMatching(/^2 schedulers start backups: .*cron\.d\/ec2-backup:2, process \d+$/),
    ]);
    expect(findings[1]?.command).toBe(`kill ${child.pid}`);
  });

  test("takes for none what only looks like one", async (context) => {
    need(context, isLinux, "/proc");
    const patient = await healthyHost();
    patient.script("ec2-backup", "list", "daemon-house");
    const write = (file: string, text: string): void => {
      mkdirSync(path.dirname(path.join(patient.root, file)), { recursive: true });
      writeFileSync(path.join(patient.root, file), text);
    };
    write("etc/cron.d/other", "# 1 2 * * * root ec2-backup run\n5 4 * * * root ec2-backup list\n");
    write("etc/cron.d/ec2-backup.dpkg-old", "1 2 * * * root ec2-backup run\n");
    write("etc/cron.daily/other", "#!/bin/sh\n# ec2-backup run\nec2-backup doctor --json\n");
    expect((await patient.examine()).findings).toEqual([]);
  });
});

test("doctor asks nothing by DryRun of an endpoint that takes no notice of it", async () => {
  const patient = await healthyHost();
  const proxy = createServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => {
      const body = Buffer.concat(chunks)
        .toString()
        .replace(/&?DryRun=true/, "");
      const headers = { ...asked.headers, "content-length": String(Buffer.byteLength(body)) };
      const forwarded = request(patient.simulator.url, { method: "POST", headers }, (reply) => {
        answer.writeHead(reply.statusCode ?? 500, reply.headers);
        reply.pipe(answer);
      });
      forwarded.end(body);
    });
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  vi.stubEnv("AWS_ENDPOINT_URL_EC2", `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  const { findings, untested } = await patient.examine();
  expect(findings).toMatchObject([{ check: "capture", what: /takes no notice of DryRun/ }]);
  expect(untested).toEqual(["ec2:DeleteSnapshot"]);
  const actions = patient.simulator.control.calls().map(({ action }) => action);
  for (const action of ["CreateSnapshots", "DeleteSnapshot", "CreateTags"])
    expect(actions).not.toContain(action);
});

describe("doctor looks at mounts that are to be frozen and", () => {
  /** A disk that is the second volume of the instance, with a filesystem. */
  async function volumeMounted(): Promise<string> {
    const disks = await LoopDisks.start();
    onTestFinished(() => disks[Symbol.asyncDispose]());
    const device = await disks.attach(await disks.file("disk", 64));
    const [, second] = volumesOf(2);
    const link = `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${second?.id.replace("-", "")}`;
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(`../../${path.basename(device)}`, link);
    disks.janitor.undo(`rm -f ${link}`);
    await disks.format(device, "ext4");
    return disks.mount(device, "data");
  }

  const freezing = (mounts: string, volumes = "{}") =>
    `${noticed}jobs: { default: { waits: { request: 10s }, volumes: ${volumes}, hooks: [{ freeze: { mounts: [${mounts}] } }] } }\n`;

  test("finds nothing wrong with one that can be, and says that only a freeze would show it", async (context) => {
    need(context, loopDisksCan, loopDisksNeed);
    const patient = await healthyHost();
    patient.configure(freezing(await volumeMounted()));
    const { findings, untested } = await patient.examine();
    expect(findings).toEqual([]);
    expect(untested).toEqual(["whether the kernel freezes the mounts"]);
  });

  test("finds one whose volume is not captured", async (context) => {
    need(context, loopDisksCan, loopDisksNeed);
    const patient = await healthyHost();
    const [, second] = volumesOf(2);
    patient.configure(freezing(await volumeMounted(), `{ exclude: [{ id: ${second?.id} }] }`));
    const { findings } = await patient.examine();
    expect(findings).toMatchObject([
      { check: "freeze", severity: "error", what: /rests on no volume that is captured/ },
    ]);
  });
});

describeWith(["redis"], "doctor logs in to databases", () => {
  test("as a service would, without what this shell has in its environment", async () => {
    const server = await startRedis("--requirepass", "secret");
    onTestFinished(() => server.stop());
    const patient = await healthyHost();
    const hook = JSON.stringify({ redis: { socket: server.socket } });
    patient.configure(`${noticed}jobs: { default: { waits: { request: 10s }, hooks: [${hook}] } }\n`);
    vi.stubEnv("REDISCLI_AUTH", "secret");
    const { findings } = await patient.examine();
    expect(findings).toMatchObject([
      { check: "databases", severity: "error", what: /NOAUTH/, kind: "refused", advice: /passwordFile/ },
    ]);
  });
});

test("doctor asks for no right by DryRun where the first dry run was not answered", async () => {
  const patient = await healthyHost();
  patient.simulator.control.faults([
    { kind: "500", action: "DescribeVolumes", dryRun: true, count: "always" },
  ]);
  const { findings, untested } = await patient.examine();
  expect(findings).toEqual([]);
  expect(untested).toEqual(["ec2:CreateSnapshots", "ec2:DeleteSnapshot"]);
});
