import path from "node:path";
import type { BlockDevice } from "../core/block-device.ts";
import { type Signature, signatureOf } from "../core/signature.ts";
import { askProgram } from "./ask-program.ts";

/** Milliseconds that one look at a device may take: a new volume brings its blocks from S3. */
export const patience = { probe: 60_000, others: 10_000, tool: 120_000 } as const;

/**
 * What is on a device now, read from itself and from no cache. A device that does not answer in time is a failure;
 * one of which blkid knows nothing (it ends with 2) has no type.
 */
export async function probe(device: string, timeout: number, signal?: AbortSignal): Promise<Signature> {
  const answer = await askProgram("blkid", ["-p", "-o", "export", device], {
    timeout,
    ...(signal === undefined ? {} : { signal }),
  });
  return signatureOf(device, answer.stdout.toString("utf8"));
}

/**
 * The same of all other devices of the host, to find what has the same UUID. One that does not answer is left out:
 * it is not what is to be restored.
 */
export async function probeOthers(
  devices: readonly BlockDevice[],
  dev: string,
  signal?: AbortSignal,
): Promise<readonly Signature[]> {
  const found = await Promise.all(
    devices.map((device) =>
      probe(path.join(dev, device.name), patience.others, signal).catch(() => undefined),
    ),
  );
  return found.flatMap((one) => one ?? []);
}
