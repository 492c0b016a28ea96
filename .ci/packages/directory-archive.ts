import { tarball, zip } from "./archive.ts";
import { type Platform, runtimeEntries } from "./runtime.ts";
import { below, type Source, text } from "./source.ts";

/** Starts the agent with the Node that lies beside it, whatever link led there. */
const starter = `#!/bin/sh
self=$(readlink -f -- "$0") || exit 70
exec "\${self%/*}/node/bin/node" "\${self%/*}/dist/ec2-backup.js" "$@"
`;

const windowsStarter = '@"%~dp0node\\node.exe" "%~dp0dist\\ec2-backup.js" %*\r\n';

/** A directory that runs where it is unpacked. Returns the file's name and bytes. */
export function directoryArchive(
  source: Source,
  platform: Platform,
  hollow: boolean,
): { readonly name: string; readonly bytes: Buffer } {
  const folder = `ec2-backup-${source.version}-${platform}`;
  const windows = platform === "windows-x64";
  const start = windows ? text("ec2-backup.cmd", windowsStarter) : text("ec2-backup", starter, 0o755);
  const entries = below(folder, [...source.program, ...runtimeEntries(platform, hollow), start]);
  return windows
    ? { name: `${folder}.zip`, bytes: zip(entries, source.epoch) }
    : { name: `${folder}.tar.gz`, bytes: tarball(entries, source.epoch) };
}
