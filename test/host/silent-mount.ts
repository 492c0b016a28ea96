import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { onTestFinished } from "vitest";
import { has, isRoot } from "./places.ts";

export const canMountSilent = isRoot && existsSync("/dev/fuse") && has("mount");
export const silentNeeds = "root, /dev/fuse and mount";

/**
 * Mounts a filesystem whose server never answers: who asks for anything in it waits until he is killed, as on a network
 * filesystem whose server is gone; `deaf`: or not even then, as where the server of a FUSE has read what is asked and
 * hangs. Whoever still waits when the test ends is let go.
 */
export async function mountSilent(place: string, manner: "gone" | "deaf" = "gone"): Promise<void> {
  await mkdir(place, { recursive: true });
  const server = openSync("/dev/fuse", constants.O_RDWR | constants.O_NONBLOCK);
  let hearing: NodeJS.Timeout | undefined;
  onTestFinished(() => {
    clearInterval(hearing);
    closeSync(server);
    execFileSync("umount", ["-l", place]);
  });
  const options = "fd=3,rootmode=40000,user_id=0,group_id=0";
  execFileSync("mount", ["-i", "-t", "fuse.silent", "-o", options, "silent", place], {
    stdio: ["ignore", "ignore", "inherit", server],
  });
  if (manner === "deaf") hearing = setInterval(() => hear(server), 10);
}

/** FUSE_INIT of the kernel's fuse.h. */
const init = 26;
const [inHeader, outHeader, initOut] = [40, 16, 64];

/** Takes what is asked, and answers no more than the greeting. */
function hear(server: number): void {
  const request = Buffer.alloc(256 * 1024);
  for (;;) {
    try {
      if (readSync(server, request) < inHeader) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return;
      throw error;
    }
    if (request.readUInt32LE(4) !== init) continue;
    const answer = Buffer.alloc(outHeader + initOut);
    answer.writeUInt32LE(answer.length, 0);
    request.copy(answer, 8, 8, 16);
    answer.writeUInt32LE(7, outHeader);
    answer.writeUInt32LE(31, outHeader + 4);
    // The largest write.
    answer.writeUInt32LE(4096, outHeader + 20);
    writeSync(server, answer);
  }
}
