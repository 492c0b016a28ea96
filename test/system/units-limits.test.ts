import { mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { has, need } from "../host/places.ts";
import { LoopDisks, loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { mariadb, postgres } from "./servers.ts";
import { Stack } from "./stack.ts";
import { systemdHindrance } from "./systemd/boot.ts";
import { UnitStage } from "./systemd/unit-stage.ts";

const why = systemdHindrance ?? (loopDisksCan ? undefined : `needs ${loopDisksNeed}`);
if (why !== undefined && process.env["CI"] === "true") throw new Error(why);

const run = "ec2-backup-run.service";
const stack = new Stack();
const undo: (() => unknown)[] = [];
let stage: UnitStage;
let servers: LoopDisks;

beforeAll(async () => {
  if (why !== undefined) return;
  servers = stack.use(await LoopDisks.start());
  stage = await UnitStage.start({ onTestFinished: (one) => void undo.push(one as () => unknown) }, [
    `${servers.directory}:${servers.directory}`,
  ]);
});
afterEach(() => (why === undefined ? stage.clear() : undefined));
afterAll(async () => {
  for (const one of undo.reverse()) await one();
  await stack.disposeAsync();
});

/** One run by the unit; what it printed and logged. */
async function once(): Promise<{ readonly result: string; readonly said: string }> {
  const { code } = await stage.machine.try(`systemctl start ${run}`);
  await stage.machine.run("journalctl --sync");
  const invocation = await stage.property(run, "InvocationID");
  const { output } = await stage.machine.try(
    `journalctl _SYSTEMD_INVOCATION_ID=${invocation} -o cat --no-pager`,
  );
  return { result: `${await stage.property(run, "ExecMainStatus")} ${code}`, said: output };
}

const dropIns = "/usr/lib/systemd/system/ec2-backup.service.d";

async function allow(kind: string): Promise<void> {
  const to = `/etc/systemd/system/${run}.d`;
  await stage.machine.run(
    `install -D -m 644 ${dropIns}/${kind}.conf.example ${to}/${kind}.conf && systemctl daemon-reload`,
  );
}

const remedy = "add ReadWritePaths= with that directory to it (systemctl edit), or name another directory";
const frozen = { freeze: { mounts: ["/data"], deadline: "5s" } };
const switching = "drop-in systemd/ec2-backup.service.d/hooks-as-user.conf.example";

describe.skipIf(why !== undefined)(`what the units allow${why ? ` (${why})` : ""}`, () => {
  test("nothing is written elsewhere, and what fails says what to do; a drop-in allows it", async () => {
    await stage.machine.run("mkdir -p /opt/metrics /opt/log && chown nobody /opt/metrics");
    const hook = { command: { before: "echo dump > /opt/log/dump" } };
    const metrics = { output: "prometheus", prometheus: { directory: "/opt/metrics" } };
    await stage.configure({ hooks: [hook] }, { log: { file: { path: "/opt/log/agent" } }, metrics });
    const refused = await once();
    expect(refused.result, refused.said).toBe("1 1");
    expect(refused.said).toMatch(/cannot create \/opt\/log\/dump: Read-only file system/);
    expect(refused.said).toContain(
      `the log's file /opt/log/agent fails: cannot open the log /opt/log/agent: EROFS; a`,
    );
    expect(refused.said).toMatch(/write \/opt\/metrics\/ec2_backup.prom: EROFS/);
    expect(refused.said.split(remedy).length).toBeGreaterThan(2);
    expect(await stage.machine.run("find /opt/metrics /opt/log -type f")).toBe("");

    await allow("write-elsewhere");
    await stage.dropIn(run, ["[Service]", "ReadWritePaths=/opt/metrics /opt/log"]);
    const allowed = await once();
    expect(allowed.result, allowed.said).toBe("0 0");
    const written = await stage.machine.run("find /opt/metrics /opt/log -type f | sort");
    expect(written.split("\n")).toEqual(["/opt/log/agent", "/opt/log/dump", "/opt/metrics/ec2_backup.prom"]);
    expect(await stage.machine.run("stat -c %a /opt/metrics/ec2_backup.prom")).toBe("644");
  });

  test("a hook as another user is refused with the drop-in that allows it, which does", async () => {
    const before = "id -un; id -Gn > /tmp/who; echo told > /dev/stderr; sleep 100 &";
    await stage.configure({ hooks: [{ command: { name: "who", before, user: "nobody" } }] });
    const refused = await once();
    expect(refused.result, refused.said).toBe("1 1");
    expect(refused.said).toContain(
      "setpriv: activate capabilities: Operation not permitted; the service may not become",
    );
    expect(refused.said).toContain(switching);
    expect((await stage.machine.try("cat /tmp/who")).code).toBe(1);

    await allow("hooks-as-user");
    const allowed = await once();
    expect(allowed.result, allowed.said).toBe("0 0");
    expect(await stage.machine.run("cat /tmp/who && stat -c %U /tmp/who")).toBe("nogroup\nnobody");
    // What it left behind was ended: a right of its own.
    expect((await stage.machine.try("pgrep -u nobody sleep")).output).toBe("");
  });

  test("MariaDB lets root in at its socket, by the unit as it is shipped", async (context) => {
    need(context, mariadb.present, "MariaDB");
    await using own = new Stack();
    const place = path.join(servers.directory, "maria");
    await mkdir(place, { mode: 0o755 });
    await mariadb.create(place);
    const server = own.use(await mariadb.start(servers, place));
    await stage.configure({ hooks: [{ mysql: { socket: `${server.place}/socket` } }, frozen] });
    await stage.made();
    const held = await once();
    expect(held.result, held.said).toBe("0 0");
    expect(await stage.made()).toEqual(["application"]);
  });

  test("PostgreSQL knows its own user alone, which needs the drop-in", async (context) => {
    need(context, postgres.present, "PostgreSQL");
    await using own = new Stack();
    const place = path.join(servers.directory, "postgres");
    await mkdir(place, { mode: 0o755 });
    await postgres.create(place);
    const server = own.use(await postgres.start(servers, place));
    await stage.configure({ hooks: [{ postgres: { host: server.place } }, frozen] });
    const refused = await once();
    expect(refused.result, refused.said).toBe("1 1");
    expect(refused.said).toContain(switching);
    await allow("hooks-as-user");
    await stage.made();
    const held = await once();
    expect(held.result, held.said).toBe("0 0");
    expect(await stage.made()).toEqual(["application"]);
  });

  test("Redis over TCP needs no more than the unit has", async (context) => {
    need(context, has("redis-server"), "Redis");
    const server = "redis-server --port 6390 --bind 127.0.0.1 --dir /var/lib/redis --dbfilename units.rdb";
    await stage.machine.run(`systemd-run --unit=units-redis -p User=redis ${server}`);
    await stage.configure({ hooks: [{ redis: { port: 6390 } }, frozen] });
    await stage.made();
    const held = await once();
    await stage.machine.run("systemctl stop units-redis");
    expect(held.result, held.said).toBe("0 0");
    expect(await stage.made()).toEqual(["application"]);
  });

  test("a disk can be read, mounted and looked into only with the drop-in for drills", async () => {
    const disk = await servers.attach(await servers.file("copy", 64));
    await servers.format(disk, "ext4");
    const [, number = ""] = /loop(\d+)$/.exec(disk) ?? [];
    const node = `/dev/loop${number}`;
    await stage.machine.run(`[ -b ${node} ] || mknod ${node} b 7 ${number}`);
    const steps = [
      `dd if=${node} of=/dev/null count=1`,
      "unshare --mount true",
      `mkdir /run/copy; mount -o ro,noload ${node} /run/copy && ls /run/copy && umount /run/copy; rmdir /run/copy`,
      `blockdev --setro ${node} && blockdev --setrw ${node}`,
      `e2fsck -fn ${node}`,
      "setpriv --reuid=65534 --regid=65534 --clear-groups id -u",
      "mknod /run/node b 7 0 && chown nobody /run/node && rm /run/node",
    ];
    const script = steps.map((step, index) => `(${step}) >/dev/null 2>&1 && echo done ${index}`).join("; ");
    await stage.configure({ hooks: [{ command: { before: `(${script}) > /tmp/steps; true` } }] });
    const done = async (): Promise<string> => {
      await once();
      return stage.machine.run("cat /tmp/steps");
    };
    expect(await done()).toBe("");
    await allow("drills");
    expect((await done()).split("\n")).toEqual(steps.map((_, index) => `done ${index}`));
  });
});
