// What tests of dumps share: where a stream goes, and programs that stand for those of a server.
import { createHash } from "node:crypto";
import { chmod, open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { DumpConfig, DumpHost, DumpStream } from "../../src/core/dump-config.ts";
import { dumpSources } from "../../src/hooks/dump-sources.ts";
import { folder } from "../host/places.ts";

/** The host of this process. */
export const host: DumpHost = {
  uid: process.getuid?.(),
  env: {},
  home: "/",
  kill: (pid, signal) => void process.kill(pid, signal),
  grace: 300,
};

export function sources(config: DumpConfig, given: Partial<DumpHost> = {}): Promise<readonly DumpStream[]> {
  return dumpSources(config, { ...host, ...given }, new AbortController().signal);
}

/** What a stream wrote. Rejects as it does; what had come by then is in the file, which is then of no use. */
export async function written(
  { source }: DumpStream,
  signal: AbortSignal = new AbortController().signal,
  place?: string,
): Promise<string> {
  const file = path.join(place ?? (await folder()), "stream");
  const handle = await open(file, "w");
  try {
    await source.start(handle.fd, signal).done;
  } finally {
    await handle.close();
  }
  return file;
}

export async function textOf(stream: DumpStream): Promise<string> {
  return readFile(await written(stream), "utf8");
}

export async function sumOf(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

/** A program of a shell's lines that only its owner can write. */
export async function script(directory: string, name: string, ...lines: readonly string[]): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, `#!/bin/sh\n${lines.join("\n")}\n`);
  await chmod(file, 0o755);
  return file;
}
