import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeTree } from "./archive.ts";
import { releasesOf, rpmChangelog } from "./changes.ts";
import { home, linuxTree, unitsOf } from "./linux-tree.ts";
import { type Platform, runtimeEntries } from "./runtime.ts";
import { rpmScripts } from "./scripts.ts";
import { type Entry, entryOf, type Options, type Source } from "./source.ts";
import type { Words } from "./words.ts";

export type RpmArchitecture = "x86_64" | "aarch64";

const platforms: Readonly<Record<RpmArchitecture, Platform>> = {
  x86_64: "linux-x64",
  aarch64: "linux-arm64",
};

/** What rpmbuild would else do by itself, or take from the machine that it runs on. */
const macros = `%global debug_package %{nil}
%global _build_id_links none
%global __os_install_post %{nil}
%global _buildhost packages.invalid
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global source_date_epoch_from_changelog 0
`;

/** Builds with rpmbuild. Returns the file's name. */
export function buildRpm(
  source: Source,
  words: Words,
  architecture: RpmArchitecture,
  { output, hollow, stored }: Options,
): string {
  const runtime = runtimeEntries(platforms[architecture], hollow);
  const licence: Entry = { ...entryOf("LICENSE"), path: `usr/share/licenses/${source.name}/LICENSE` };
  const tree = [...linuxTree(source, words, runtime, "site-functions"), licence];
  const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-rpm-"));
  const made = path.join(work, "made");
  try {
    mkdirSync(path.join(work, "tree"));
    writeTree(path.join(work, "tree"), tree, source.epoch);
    writeFileSync(path.join(work, "package.spec"), specOf(source, tree));
    const define = (name: string, value: string): string[] => ["--define", `${name} ${value}`];
    execFileSync(
      "rpmbuild",
      [
        ...["-bb", "--quiet", "--target", `${architecture}-linux`, "--buildroot", path.join(work, "root")],
        ...define("_topdir", work),
        // gzip, as every rpm reads it; zstd, a tenth smaller, not every one of those that have the libraries.
        ...define("_binary_payload", stored ? "w.ufdio" : "w6.gzdio"),
        ...define("_rpmdir", made),
        ...define("_rpmfilename", "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"),
        ...define("tree", path.join(work, "tree")),
        path.join(work, "package.spec"),
      ],
      {
        env: { ...process.env, SOURCE_DATE_EPOCH: String(source.epoch), LC_ALL: "C.UTF-8", TZ: "UTC" },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    const [file = ""] = readdirSync(made);
    copyFileSync(path.join(made, file), path.join(output, file));
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * What Node's own build asks of its host is named by the libraries' own names, as distributions call their packages
 * differently. flock(1) is of util-linux.
 */
function specOf(source: Source, tree: readonly Entry[]): string {
  const { name, version, licence, maintainer, program, epoch } = source;
  const { post, preun, postun } = rpmScripts(unitsOf(source));
  const changelog = program.find((entry) => entry.path === "CHANGELOG.md")?.content as Buffer;
  return `${macros}
Name: ${name}
Version: ${version.replaceAll("-", "~")}
Release: 1
Summary: Consistent EBS snapshots of this EC2 instance
License: ${licence} AND MIT
Packager: ${maintainer}
Group: Applications/System
AutoReqProv: no
Requires: libc.so.6(GLIBC_2.28)(64bit), libstdc++.so.6(GLIBCXX_3.4.21)(64bit), libgcc_s.so.1()(64bit)
Requires: util-linux, /bin/sh

%description
It runs on the instance under the instance's own IAM role, finds the attached
EBS volumes, holds databases and filesystems still when asked, takes one tagged
recovery point of all chosen volumes, removes what retention gives up and says
why it kept the rest. Node.js comes along.

%install
cp -a %{tree}/. %{buildroot}/

%post
${post}
%preun
${preun}
%postun
${postun}
%files
%defattr(-,root,root,-)
${[...foldersOf(tree).map((one) => `%dir /${one}`), ...tree.map(fileOf)].join("\n")}

%changelog
${rpmChangelog(releasesOf(changelog.toString(), version, epoch), maintainer)}`;
}

function fileOf({ path: name }: Entry): string {
  const kind = name.startsWith("usr/share/licenses/") ? "%license " : name.includes("/man/") ? "%doc " : "";
  return `${kind}/${name}`;
}

/** Those that are ours alone. */
function foldersOf(tree: readonly Entry[]): string[] {
  const folders = tree.flatMap(({ path: name }) => {
    const steps = name.split("/");
    return steps.slice(1).map((_, index) => steps.slice(0, index + 1).join("/"));
  });
  return [...new Set(folders)].filter((one) => one === home || one.startsWith(`${home}/`)).sort();
}
