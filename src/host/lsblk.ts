import { execFile } from "node:child_process";

interface Listed {
  readonly "maj:min"?: unknown;
  readonly serial?: unknown;
}

/**
 * Serial numbers of disks by device number, as lsblk(8) knows them from udev. None where it is not installed,
 * fails or takes longer than the deadline (milliseconds): it only adds to what sysfs says.
 */
export function serialsByLsblk(
  lsblk: string,
  deadline: number,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const words = ["--json", "--nodeps", "--output", "MAJ:MIN,SERIAL"];
  const options = {
    timeout: deadline,
    killSignal: "SIGKILL",
    ...(signal === undefined ? {} : { signal }),
  } as const;
  return new Promise((resolve) => {
    execFile(lsblk, words, options, (error, stdout) =>
      resolve(error === null ? serialsIn(stdout) : new Map()),
    );
  });
}

function serialsIn(json: string): ReadonlyMap<string, string> {
  try {
    const { blockdevices } = JSON.parse(json) as { readonly blockdevices?: readonly Listed[] };
    const serials = (blockdevices ?? []).flatMap(({ "maj:min": number, serial }): [string, string][] =>
      typeof number === "string" && typeof serial === "string" ? [[number.trim(), serial.trim()]] : [],
    );
    return new Map(serials);
  } catch {
    return new Map();
  }
}
