// Makes what is published, into dist-packages/: npm run package [-- --only deb-amd64,rpm-x86_64 --output DIR]
//
// The same commit gives the same bytes: dates come from the commit (or SOURCE_DATE_EPOCH), owners are root, order
// is by name. For tests: with `--hollow` a few bytes stand for Node, with `--stored` .deb and .rpm are not compressed.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { buildDeb } from "./deb.ts";
import { directoryArchive } from "./directory-archive.ts";
import { lambdaArchive } from "./lambda-archive.ts";
import { buildNpm } from "./npm.ts";
import { buildRpm } from "./rpm.ts";
import type { Platform } from "./runtime.ts";
import { sbom } from "./sbom.ts";
import { singleFile } from "./single-file.ts";
import { readSource, root } from "./source.ts";
import { allWords } from "./words.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    output: { type: "string", default: path.join(root, "dist-packages") },
    stored: { type: "boolean", default: false },
    hollow: { type: "boolean", default: false },
    "package-version": { type: "string" },
  },
});
const output = path.resolve(values.output);
const options = { output, hollow: values.hollow, stored: values.stored };
const source = readSource(values["package-version"]);
const words = await allWords();
const platforms: readonly Platform[] = ["linux-x64", "linux-arm64", "windows-x64"];
const archive = (platform: Platform) => () => {
  const { name, bytes } = directoryArchive(source, platform, values.hollow);
  return written(name, bytes);
};

/** What each artifact is made by, and the program without which it cannot be made. */
const artifacts: Readonly<Record<string, { readonly make: () => string; readonly tool?: string }>> = {
  npm: { make: () => buildNpm(source, output) },
  "linux-x64": { make: archive("linux-x64") },
  "linux-arm64": { make: archive("linux-arm64") },
  "windows-x64": { make: archive("windows-x64") },
  single: {
    make: () => written(`ec2-backup-${source.version}.cjs`, singleFile(source).content as Buffer, 0o755),
  },
  lambda: {
    make: () => written(`ec2-backup-${source.version}-lambda.zip`, lambdaArchive(source)),
  },
  "deb-amd64": { make: () => buildDeb(source, words, "amd64", options), tool: "dpkg-deb" },
  "deb-arm64": { make: () => buildDeb(source, words, "arm64", options), tool: "dpkg-deb" },
  "rpm-x86_64": { make: () => buildRpm(source, words, "x86_64", options), tool: "rpmbuild" },
  "rpm-aarch64": { make: () => buildRpm(source, words, "aarch64", options), tool: "rpmbuild" },
  sbom: {
    make: () => written(`ec2-backup-agent-${source.version}.cdx.json`, Buffer.from(sbom(source, platforms))),
  },
};

function written(name: string, bytes: Buffer, mode = 0o644): string {
  rmSync(path.join(output, name), { force: true });
  writeFileSync(path.join(output, name), bytes, { mode });
  return name;
}

function has(tool: string): boolean {
  try {
    execFileSync(tool, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const wanted = values.only?.split(",") ?? Object.keys(artifacts);
const unknown = wanted.filter((name) => artifacts[name] === undefined);
if (unknown.length > 0)
  throw new Error(`no artifact ${unknown.join(", ")}; there are ${Object.keys(artifacts).join(", ")}`);
mkdirSync(output, { recursive: true });
const sums: string[] = [];
for (const name of wanted) {
  const { make, tool } = artifacts[name]!;
  if (tool !== undefined && !has(tool)) {
    const reason = `${name} is left out: it needs ${tool}`;
    if (process.env["CI"] === "true") throw new Error(`${reason}, and in CI nothing is left out`);
    console.log(reason);
    continue;
  }
  const start = performance.now();
  const file = make();
  const bytes = readFileSync(path.join(output, file));
  sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${file}\n`);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${(bytes.length / 1e6).toFixed(1).padStart(6)} MB  ${seconds.padStart(5)} s  ${file}`);
}
written("SHA256SUMS", Buffer.from(sums.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join("")));
