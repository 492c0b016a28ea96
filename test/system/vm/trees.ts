import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { restoreFile } from "../../../src/actions/restore-file.ts";
import { mountAll } from "../../../src/actions/restore-mount.ts";
import { systemClock } from "../../../src/host/clock.ts";
import { cloneFiles } from "../../../src/host/clone-files.ts";
import type { RestoreDisks } from "../../../src/host/restore-disks.ts";
import { lookAtTree, makeTree } from "../../host/odd-tree-scripts.ts";

const never = new AbortController().signal;

/** All of the tree `tree` below a directory, in words. */
export function treeIn(directory: string): string {
  return execFileSync("sh", ["-c", lookAtTree, "sh", directory, "tree"], {
    encoding: "latin1",
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** A tree with everything that files can be, but a socket: nobody here could make one. */
export function plantTree(directory: string): void {
  const words = makeTree.replace(/^python3.*$/m, "");
  execFileSync("sh", ["-c", words], { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
}

/** What of a tree came back from clones, each way; the original's is gone. */
export async function treesBack(
  host: RestoreDisks,
  devices: readonly string[],
  original: string,
  before: string,
): Promise<Readonly<Record<string, unknown>>> {
  rmSync(`${original}/tree`, { recursive: true });
  const volumes = new Map(devices.map((device, index) => [device, `vol-${index}`] as const));
  const { mounted, notMounted, notes } = await mountAll(
    volumes,
    { where: "/r/all", writable: false },
    { disks: host },
    never,
  );
  const byMount = mounted.map(({ where }) => treeIn(where) === before);
  for (const device of devices) await host.release(device, never);
  const query = { disks: devices, paths: ["/mnt/other/tree", "/tree"], where: "/r/file" };
  mkdirSync(`${original}/back`);
  const order = { to: `${original}/back/tree`, identity: "snap-1", existing: "refuse" } as const;
  const deps = { disks: host, files: cloneFiles(), clock: systemClock };
  const copied = await restoreFile(query, order, () => undefined, deps, never);
  const byFile = treeIn(`${original}/back`) === before;
  const left = [...(await host.leftovers()), ...["/r/all", "/r/file/0"].filter((one) => existsSync(one))];
  return { byMount, notMounted, notes, byFile, copied, left, readOnly: devices.filter(isReadOnly) };
}

function isReadOnly(device: string): boolean {
  return readFileSync(device.replace("/dev/", "/sys/block/").concat("/ro"), "utf8").trim() === "1";
}
