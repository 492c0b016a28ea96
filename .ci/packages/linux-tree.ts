// What .deb and .rpm put on a disk, and where.
import { gzip } from "./archive.ts";
import { bash, fish, zsh } from "./completions.ts";
import { manual } from "./manual.ts";
import { below, type Entry, type Source, text } from "./source.ts";
import type { Words } from "./words.ts";

export const home = "usr/lib/ec2-backup";

/** A shell costs 1 ms of a start; a link to the program would need another first line in it than npm's. */
const starter = `#!/bin/sh
exec /${home}/node/bin/node /${home}/dist/ec2-backup.js "$@"
`;

/** The units that there are, for scripts that stop and start them. */
export function unitsOf({ program }: Source): string[] {
  return program
    .map((entry) => /^systemd\/([^/]+\.(?:service|timer))$/.exec(entry.path)?.[1])
    .filter((name) => name !== undefined);
}

/** All but what each format has of its own. `zshFolder` differs among distributions. */
export function linuxTree(
  source: Source,
  words: Words,
  runtime: readonly Entry[],
  zshFolder: "vendor-completions" | "site-functions",
): Entry[] {
  const { program, version, epoch } = source;
  const units = program.flatMap((entry) => {
    const [, unit] = /^systemd\/(ec2-backup[^/]*\.(?:service|timer))$/.exec(entry.path) ?? [];
    return unit === undefined ? [] : [{ ...entry, path: `usr/lib/systemd/system/${unit}` }];
  });
  const page = gzip(Buffer.from(manual(words, version, epoch)), 9);
  return [
    ...below(home, [...program.filter(({ path }) => !path.endsWith(".md")), ...runtime]),
    ...units,
    text("usr/bin/ec2-backup", starter, 0o755),
    { path: "usr/share/man/man8/ec2-backup.8.gz", mode: 0o644, content: page },
    text("usr/share/bash-completion/completions/ec2-backup", bash(words)),
    text(`usr/share/zsh/${zshFolder}/_ec2-backup`, zsh(words)),
    text("usr/share/fish/vendor_completions.d/ec2-backup.fish", fish(words)),
  ];
}
