import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeTree } from "./archive.ts";
import { entryOf, root, type Source, text } from "./source.ts";

/** What only a clone needs: the program is bundled, so nothing is installed beside it. */
const forDevelopers = ["dependencies", "devDependencies", "scripts"];

/** `npm pack` gives every file the same date. Returns the file's name. */
export function buildNpm(source: Source, output: string): string {
  const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  for (const key of forDevelopers) delete manifest[key];
  manifest.version = source.version;
  const work = mkdtempSync(path.join(tmpdir(), "ec2-backup-npm-"));
  try {
    const simulator = entryOf("dist/ec2-backup-simulator.js");
    const own = text("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
    writeTree(work, [...source.program, simulator, own], source.epoch);
    const words = ["pack", "--json", "--ignore-scripts", "--pack-destination", output];
    const told = execFileSync("npm", words, {
      cwd: work,
      encoding: "utf8",
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "inherit"],
    });
    return (JSON.parse(told) as { filename: string }[])[0]?.filename ?? "";
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
