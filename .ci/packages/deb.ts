import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzip, writeTree } from "./archive.ts";
import { debianChangelog, releasesOf, wrapped } from "./changes.ts";
import { home, linuxTree, unitsOf } from "./linux-tree.ts";
import { type Platform, runtimeEntries } from "./runtime.ts";
import { debScripts } from "./scripts.ts";
import { type Entry, type Options, type Source, text } from "./source.ts";
import type { Words } from "./words.ts";

export type DebArchitecture = "amd64" | "arm64";

const platforms: Readonly<Record<DebArchitecture, Platform>> = { amd64: "linux-x64", arm64: "linux-arm64" };

/** Where a rule of lintian's does not fit, and why. */
const overrides: readonly (readonly [why: string, ...tags: string[]])[] = [
  [
    "Debian 12 and 13 have no Node.js that is new enough, so Node's own build comes along, byte for byte as its project published it; the starter calls that one.",
    "missing-dep-for-interpreter *",
    "unstripped-binary-or-object *",
    "embedded-library *",
    "hardening-no-pie *",
  ],
  [
    "An administrator's `ec2-backup install` enables units, so that no helper of Debian's knows of them.",
    "maintainer-script-calls-systemctl *",
  ],
];

/** Builds with dpkg-deb, which takes SOURCE_DATE_EPOCH. Returns the file's name. */
export function buildDeb(
  source: Source,
  words: Words,
  architecture: DebArchitecture,
  { output, hollow, stored }: Options,
): string {
  const runtime = runtimeEntries(platforms[architecture], hollow);
  const tree = [...linuxTree(source, words, runtime, "vendor-completions"), ...documents(source)];
  const scripts = Object.entries(debScripts(unitsOf(source)));
  const control = [
    text("DEBIAN/control", controlOf(source, architecture, tree)),
    text("DEBIAN/md5sums", sums(tree)),
    ...scripts.map(([name, script]) => text(`DEBIAN/${name}`, script, 0o755)),
  ];
  const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-deb-"));
  const file = `${source.name}_${source.version}_${architecture}.deb`;
  try {
    writeTree(work, [...tree, ...control], source.epoch);
    // gzip, as every dpkg reads it and xz would take three times as long for a fifth less.
    execFileSync(
      "dpkg-deb",
      [
        "--root-owner-group",
        ...(stored ? ["-Znone"] : ["-Zgzip", "-z6"]),
        "--build",
        work,
        path.join(output, file),
      ],
      {
        env: { ...process.env, SOURCE_DATE_EPOCH: String(source.epoch) },
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return file;
}

function controlOf(source: Source, architecture: DebArchitecture, tree: readonly Entry[]): string {
  const bytes = tree.reduce((sum, { content }) => sum + (Buffer.isBuffer(content) ? content.length : 0), 0);
  const long =
    "It runs on the instance under the instance's own IAM role, finds the attached EBS volumes, holds databases " +
    "and filesystems still when asked, takes one tagged recovery point of all chosen volumes, removes what " +
    "retention gives up and says why it kept the rest. Node.js comes along.";
  return `Package: ${source.name}
Version: ${source.version}
Architecture: ${architecture}
Maintainer: ${source.maintainer}
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.28), libgcc-s1 | libgcc1, libstdc++6 (>= 5.2)
Section: admin
Priority: optional
Description: consistent EBS snapshots of this EC2 instance
${wrapped(long, 78, " ", " ")}
`;
}

function sums(tree: readonly Entry[]): string {
  return tree
    .map(({ path: name, content }) =>
      Buffer.isBuffer(content) ? `${createHash("md5").update(content).digest("hex")}  ${name}\n` : "",
    )
    .join("");
}

function documents(source: Source): Entry[] {
  const { name, maintainer, program, version, epoch } = source;
  const changelog = program.find((entry) => entry.path === "CHANGELOG.md")?.content as Buffer;
  const releases = releasesOf(changelog.toString(), version, epoch);
  const lintian = overrides
    .map(([why, ...tags]) => `# ${why}\n${tags.map((tag) => `${name}: ${tag}\n`).join("")}`)
    .join("");
  return [
    text(`usr/share/doc/${name}/copyright`, copyright(name, new Date(epoch * 1000).getUTCFullYear())),
    {
      path: `usr/share/doc/${name}/changelog.gz`,
      mode: 0o644,
      content: gzip(Buffer.from(debianChangelog(name, releases, maintainer)), 9),
    },
    text(`usr/share/lintian/overrides/${name}`, lintian),
  ];
}

function copyright(name: string, year: number): string {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${name}

Files: *
Copyright: ${year} The authors of ${name}
License: Apache-2.0

Files: ${home}/dist/agent/*
Copyright: ${year} The authors of ${name}, and those named in
 /${home}/dist/THIRD-PARTY-LICENSES.txt
License: Apache-2.0 and others
 The packages that the program was bundled from, each with its licence, are
 named in /${home}/dist/THIRD-PARTY-LICENSES.txt.

Files: ${home}/node/*
Copyright: ${year} Node.js contributors, and those named in /${home}/node/LICENSE
License: Expat and others
 The texts are in /${home}/node/LICENSE.

License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
`;
}
