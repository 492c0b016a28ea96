import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { BenchDisk, BlockBench } from "./block-bench.ts";
import { mountOptions } from "./block-bench.ts";
import { type Ledger, Load, ledgerOf } from "./load.ts";
import { sh } from "./loop-disks.ts";
import { mariadb, type Server, type ServerKind } from "./servers.ts";
import type { Stack } from "./stack.ts";

/** A server under load, and the disk that its data lie on. */
export interface Subject {
  readonly kind: ServerKind;
  readonly disk: BenchDisk;
  readonly server: Server;
  readonly load: Load;
}

/** Starts a server on a disk, with a database of its own if it is MariaDB, and puts it under load. */
export async function underLoad(
  bench: BlockBench,
  stack: Stack,
  kind: ServerKind,
  disk: BenchDisk,
): Promise<Subject> {
  await kind.create(disk.mount);
  // Files that nobody has synced would be empty in a copy, as after a power cut.
  await sh("sync", "-f", disk.mount);
  const server = stack.use(await kind.start(bench.disks, disk.mount));
  if (kind === mariadb) {
    await using first = server.session();
    await first.query("CREATE DATABASE bench");
  }
  const load = await Load.start(stack.use(server.session()));
  stack.defer(() => load.stop());
  return { kind, disk, server, load };
}

/** Starts a server on a copy of a subject's disk. */
export function startOn(bench: BlockBench, { kind, disk }: Subject, device: string): Promise<Server> {
  return kind.start(bench.disks, disk.mount, device, mountOptions(disk.filesystem));
}

/** Starts a server on a disk, reads all that is in it, and lets go of the disk. */
export async function read(
  bench: BlockBench,
  subject: Subject,
  device: string,
): Promise<{ ledger: Ledger; log: string }> {
  await using server = await startOn(bench, subject, device);
  await using session = server.session();
  return { ledger: await ledgerOf(session), log: await server.log() };
}

/** The newest binary log of a copy and its length, as `file:position`. */
export async function endOfLog(bench: BlockBench, device: string): Promise<string> {
  const at = await bench.disks.mount(device, path.basename(device), "-o", "ro");
  const data = path.join(at, "data");
  const newest =
    (await readdir(data))
      .filter((name) => /^binlog\.\d+$/.test(name))
      .sort()
      .at(-1) ?? "";
  const { size } = await stat(path.join(data, newest));
  await bench.disks.unmount(at);
  return `${newest}:${size}`;
}
