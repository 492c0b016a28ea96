import { execFileSync, spawn } from "node:child_process";
import { copyFileSync } from "node:fs";
import { mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { occupied, suspendPending } from "../../src/host/freeze-obstacles.ts";
import { readMounts, superblockOf } from "../../src/host/mounts.ts";
import { execute } from "../system/bench.ts";
import { folder, has, isLinux, isRoot, need, node } from "./places.ts";
import { canMountSilent, mountSilent, silentNeeds } from "./silent-mount.ts";

async function accounts(files: Readonly<Record<string, string>>) {
  const root = await folder();
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), `${text}\n`);
  }
  return { sys: path.join(root, "sys"), proc: path.join(root, "proc") };
}

describe("that the machine is going to sleep", () => {
  test.each([
    ["nothing", { "sys/power/state": "freeze mem disk" }, undefined],
    [
      "services that are no sleep",
      { "sys/power/autosleep": "off", "sys/fs/cgroup/system.slice/ssh.service/x": "", "proc/7/comm": "bash" },
      undefined,
    ],
    [
      "systemd's service",
      { "sys/fs/cgroup/system.slice/systemd-hibernate.service/cgroup.procs": "1" },
      "systemd-hibernate.service is at work",
    ],
    [
      "systemd's service under the older control groups",
      { "sys/fs/cgroup/systemd/system.slice/systemd-suspend.service/tasks": "1" },
      "systemd-suspend.service is at work",
    ],
    [
      "the freezing of all users",
      { "sys/fs/cgroup/user.slice/cgroup.freeze": "1" },
      "the users' processes are frozen, as systemd does before a sleep",
    ],
    ["the kernel's autosleep", { "sys/power/autosleep": "mem" }, "the kernel's autosleep is set to mem"],
    ["a program", { "proc/7/comm": "bash", "proc/9/comm": "pm-hibernate" }, "pm-hibernate is at work"],
  ])("is seen by %s", async (_, files, found) => {
    expect(await suspendPending(await accounts(files as Readonly<Record<string, string>>))).toBe(found);
  });

  test("is seen by a process of that name, and by none when it has gone", async (context) => {
    need(context, isLinux, "Linux");
    const program = path.join(await folder(), "pm-suspend");
    copyFileSync("/bin/sleep", program);
    expect(await suspendPending()).toBeUndefined();
    const child = spawn(program, ["60"], { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    await new Promise((resolve) => child.once("spawn", resolve));
    expect(await suspendPending()).toBe("pm-suspend is at work");
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    expect(await suspendPending()).toBeUndefined();
  });

  test("is not waited for where the kernel does not answer", async (context) => {
    need(context, isLinux && has("mkfifo"), "mkfifo(1)");
    const roots = await accounts({ "proc/7/comm": "bash" });
    const pipe = path.join(roots.sys, "power", "autosleep");
    await mkdir(path.dirname(pipe), { recursive: true });
    execFileSync("mkfifo", [pipe]);
    expect(await suspendPending({ ...roots, deadline: 50 })).toBe(
      "the kernel does not say in time whether the machine is going to sleep",
    );
    // Lets the reader go, which otherwise keeps this process.
    await writeFile(pipe, "off");
  });
});

test("what is on an overlay occupies the filesystem of its writable layer as well", async (context) => {
  need(context, isLinux && isRoot && has("unshare"), "root and unshare(1), for an overlay");
  const home = await folder();
  const lines = [
    "mount -t tmpfs upper $0/upper && mkdir $0/upper/up $0/upper/work",
    "mount -t overlay over -o lowerdir=$0/lower,upperdir=$0/upper/up,workdir=$0/upper/work $0/merged",
    'exec "$@"',
  ];
  for (const name of ["upper", "lower", "merged"]) await mkdir(path.join(home, name));
  const module = path.resolve(import.meta.dirname, "../../src/host/freeze-obstacles.ts");
  const mounts = path.resolve(import.meta.dirname, "../../src/host/mounts.ts");
  const program = `Promise.all([import(${JSON.stringify(module)}), import(${JSON.stringify(mounts)})]).then(async ([{ occupied }, { superblockOf }]) => {
    const at = (name) => ${JSON.stringify(home)} + "/" + name;
    const uses = await occupied([{ path: at("merged/file"), what: "the state" }]);
    console.log(JSON.stringify([uses, await superblockOf(at("merged")), await superblockOf(at("upper"))]));
  })`;
  const words = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", lines.join("\n"), home];
  const ended = await execute([...words, ...node, "--input-type=module", "-e", program], {});
  expect(ended.code, ended.stderr).toBe(0);
  const [uses, merged, upper] = JSON.parse(ended.stdout) as [unknown, string, string];
  expect(merged).not.toBe(upper);
  expect(uses).toEqual([
    { superblock: merged, what: "the state" },
    { superblock: upper, what: "the state" },
  ]);
});

test("what is on a server that is gone is told by its mount alone, by whatever links and words it is named", async (context) => {
  need(context, isLinux && canMountSilent, silentNeeds);
  const directory = await realpath(await folder());
  const at = (...names: readonly string[]) => path.join(directory, ...names);
  await mountSilent(at("share"));
  await mkdir(at("near"));
  await symlink("../share", at("near", "relative"));
  await symlink(at("near", "relative", "logs"), at("absolute"));
  await symlink("/nowhere", at("dead"));
  await symlink("loop", at("loop"));
  const far = (await readMounts()).find((one) => one.path === at("share"))?.superblock;
  const near = await superblockOf(directory);
  const places = {
    [at("share")]: far,
    [at("share", "a", "log")]: far,
    [at("near", "relative", "log")]: far,
    [`${directory}/near/./../absolute/log`]: far,
    [`${directory}/absolute/../log`]: far,
    [at("near", "log")]: near,
    [`${directory}/dead/log`]: near,
    [at("loop", "log")]: near,
  };
  const asked = Object.keys(places).map((one) => ({ path: one, what: one }));
  const found = await occupied(asked);
  expect(Object.fromEntries(found.map(({ what, superblock }) => [what, superblock]))).toEqual(places);
});
