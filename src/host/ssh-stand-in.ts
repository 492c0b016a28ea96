import { mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { cannotWrite, makeDirectory } from "./atomic-file.ts";
import { systemPath } from "./system-path.ts";

/** A directory with an `ssh` that starts another command for each name of a host. */
export interface SshStandIn {
  /** To go before others in the PATH. */
  readonly directory: string;
  remove(): Promise<void>;
}

/**
 * restic has one sftp.command for all repositories of a call. Without one it starts the `ssh` of the PATH, with the
 * host as one of the words: ours then starts what that repository is reached by.
 * @param directory where it may be made; @param commands words by the name that stands for the host.
 */
export async function sshStandIn(
  directory: string,
  commands: Readonly<Record<string, readonly string[]>>,
): Promise<SshStandIn> {
  try {
    await makeDirectory(directory);
    const made = await mkdtemp(path.join(directory, "ssh-"));
    const cases = Object.entries(commands).map(
      ([name, words]) => `${name}) exec ${words.map(quoted).join(" ")} ;;`,
    );
    const text = `#!/bin/sh\nPATH=${systemPath}\nfor word do case $word in\n${cases.join("\n")}\nesac; done\nexit 255\n`;
    await writeFile(path.join(made, "ssh"), text, { mode: 0o700 });
    return { directory: made, remove: () => rm(made, { recursive: true, force: true }) };
  } catch (error) {
    throw cannotWrite(`make a directory in ${directory}`, error);
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
