import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { HiddenEntry } from "../../src/core/mount-table.ts";
import { withoutDisks } from "../system/mount-namespace.ts";
import { folder, has, isLinux, isRoot, need, node } from "./places.ts";

const script = path.join(import.meta.dirname, "hidden-mounts.ts");

test.for([
  ["by root with all its powers", []],
  ["by root without the right to look into processes", ["setpriv", "--bounding-set=-all,+sys_admin", "--"]],
] as const)("a mount of another namespace is found %s, and told once", async ([, under], context) => {
  need(context, isLinux && isRoot && has("unshare") && has("setpriv"), "root, unshare and setpriv");
  const at = await folder();
  const mount = `${withoutDisks()}; mount -t tmpfs only-there ${at} && echo there && sleep 60 & sleep 60`;
  const other = spawn("unshare", ["--mount", "sh", "-c", mount], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void process.kill(-(other.pid ?? 0), "SIGKILL"));
  await once(other.stdout, "data");
  const [program = "", ...words] = [...under, ...node, script];
  const { stdout } = await promisify(execFile)(program, words, { maxBuffer: 16 * 1024 * 1024 });
  const found = (JSON.parse(stdout) as HiddenEntry[]).filter((one) => one.path === at);
  expect(found).toMatchObject([{ source: "only-there", filesystem: "tmpfs" }]);
});
