import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { onTestFinished } from "vitest";
import { has, isRoot } from "./places.ts";

export const canMountSilent = isRoot && existsSync("/dev/fuse") && has("mount");
export const silentNeeds = "root, /dev/fuse and mount";

/**
 * Mounts a filesystem whose server never answers: who asks for anything in it waits until he is killed, as on a network
 * filesystem whose server is gone. Whoever still waits when the test ends is let go.
 */
export async function mountSilent(place: string): Promise<void> {
  await mkdir(place, { recursive: true });
  const server = openSync("/dev/fuse", "r+");
  onTestFinished(() => {
    closeSync(server);
    execFileSync("umount", ["-l", place]);
  });
  const options = "fd=3,rootmode=40000,user_id=0,group_id=0";
  execFileSync("mount", ["-i", "-t", "fuse.silent", "-o", options, "silent", place], {
    stdio: ["ignore", "ignore", "inherit", server],
  });
}
