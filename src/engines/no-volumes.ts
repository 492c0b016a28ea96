import { BackupError } from "../core/errors.ts";
import type { Engine } from "../core/ports.ts";

/** What is told of everything that only an EC2 instance has. */
export function notOfEc2(doing: string, host: string): BackupError {
  return new BackupError({
    kind: "configuration",
    doing,
    found: `${host} is no EC2 instance`,
    remedy:
      "outside EC2 files and dumps are backed up, into repositories; on EC2 take `host:` out of the configuration",
    code: "NoInstance",
  });
}

/** The engine of a host that has no volumes: it has no points, and makes none. `now` is the host's clock. */
export function noVolumes(host: string, now: () => Date): Engine {
  return {
    prepare: () => Promise.reject(notOfEc2("capture volumes", host)),
    find: () => Promise.resolve(undefined),
    mark: () => Promise.resolve(),
    list: () => Promise.resolve({ points: [], asOf: now() }),
    withHolds: (points) => Promise.resolve(points),
    async *remove() {
      // There is nothing that it could remove.
    },
  };
}
