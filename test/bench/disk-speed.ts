import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** What a gp3 volume moves in a second unless more is paid for: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html. MiB. */
export const gp3 = 125;

const group = "/sys/fs/cgroup/blkio";

/** Whether disks can be bounded here: by the root group of cgroup v1, which also has what the kernel writes back. */
export const boundCan = existsSync(path.join(group, "blkio.throttle.write_bps_device"));

/** Disks that read and write so many MiB a second and no more, until it is disposed of; 0 = as fast as they are. */
export class BoundDisks implements Disposable {
  readonly #bound = new Set<string>();
  readonly #bytes: number;

  constructor(mib: number) {
    this.#bytes = mib * 2 ** 20;
  }

  readonly add = (device: string): void => {
    if (this.#bytes === 0) return;
    const number = readFileSync(`/sys/class/block/${path.basename(device)}/dev`, "utf8").trim();
    this.#bound.add(number);
    limit(number, this.#bytes);
  };

  /** Whoever gets the number of a device next would be as slow. */
  [Symbol.dispose](): void {
    for (const number of this.#bound) limit(number, 0);
  }
}

function limit(number: string, bytes: number): void {
  for (const way of ["read", "write"])
    writeFileSync(path.join(group, `blkio.throttle.${way}_bps_device`), `${number} ${bytes}`);
}
