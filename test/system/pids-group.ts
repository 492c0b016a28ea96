import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Context } from "./freeze-lab.ts";

/** Where the system counts processes in groups; absent where it does not. */
const root = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].find((one) => {
  if (!existsSync(one)) return false;
  if (one.endsWith("/pids")) return true;
  try {
    writeFileSync(path.join(one, "cgroup.subtree_control"), "+pids");
    return true;
  } catch {
    return false;
  }
});

/** Why processes cannot be limited here; absent where they can. */
export const pidsHindrance = root === undefined ? "it needs the pids controller of cgroups" : undefined;
if (pidsHindrance !== undefined && process.env["CI"] === "true") throw new Error(`pids: ${pidsHindrance}`);

/** A group of processes that may be kept from having more. */
export class PidsGroup {
  readonly #folder: string;

  constructor({ onTestFinished }: Context) {
    this.#folder = path.join(root ?? "", `ec2-backup-test-${process.pid}-${Date.now()}`);
    mkdirSync(this.#folder);
    onTestFinished(() => {
      this.limit("max");
      for (const pid of this.members()) process.kill(pid, "SIGKILL");
      for (let turn = 0; turn < 50; turn++) {
        try {
          rmdirSync(this.#folder);
          return;
        } catch {
          // Its last process is just ending.
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
        }
      }
    });
  }

  add(pid: number): void {
    writeFileSync(path.join(this.#folder, "cgroup.procs"), String(pid));
  }

  members(): number[] {
    const text = readFileSync(path.join(this.#folder, "cgroup.procs"), "utf8");
    return text.split("\n").filter(Boolean).map(Number);
  }

  count(): number {
    return Number(readFileSync(path.join(this.#folder, "pids.current"), "utf8"));
  }

  limit(most: number | "max"): void {
    writeFileSync(path.join(this.#folder, "pids.max"), String(most));
  }
}
