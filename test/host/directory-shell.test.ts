import { execFileSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runScript } from "../../src/host/directory-shell.ts";
import { folder, has, isLinux, isRoot, need } from "./places.ts";

test("a script with mounts of its own shows them to nobody, and keeps nobody's disk that is unmounted meanwhile", async (context) => {
  need(context, isLinux && isRoot && has("unshare"), "root on Linux and unshare");
  const at = await folder();
  const [disk, own] = [path.join(at, "disk"), path.join(at, "own")];
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", at]);
  onTestFinished(() => void execFileSync("umount", ["-R", "-l", at]));
  // As systemd has all of them.
  execFileSync("mount", ["--make-shared", at]);
  for (const one of [disk, own]) await mkdir(one);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", disk]);
  const script = `mount -t tmpfs tmpfs ${own}; mountpoint -q ${disk} && echo 'phase both'
for i in $(seq 100); do mountpoint -q ${disk} || break; sleep 0.1; done
mountpoint -q ${disk} && echo 'disk kept' || echo 'disk gone'; mountpoint -q ${own} && echo 'own there'`;
  const seen: boolean[] = [];
  const phase = async () => {
    seen.push((await readFile("/proc/self/mounts", "utf8")).includes(own));
    execFileSync("umount", [disk]);
  };
  const ground = { env: process.env, kill: process.kill, phase, deadline: 30_000 };
  const told = await runScript(
    script,
    { doing: "try it", ownMounts: true },
    ground,
    new AbortController().signal,
  );
  expect([...told.reports]).toEqual([
    ["disk", "gone"],
    ["own", "there"],
  ]);
  expect([seen, told.said]).toEqual([[false], ""]);
});
