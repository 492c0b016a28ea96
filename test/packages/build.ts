import { execFile, execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { node } from "../host/places.ts";

export const root = path.join(import.meta.dirname, "../..");
export const isSoak = process.env["SOAK"] === "1";

/** Makes artifacts into a folder, as `npm run package` does, and returns their names. */
export async function build(
  output: string,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<readonly string[]> {
  const [program = "", ...before] = node;
  const main = path.join(root, ".ci/packages/main.ts");
  await promisify(execFile)(program, [...before, main, "--output", output, ...words], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  return readdirSync(output).sort();
}

/** The same .deb as another version, uncompressed. */
export function debOfVersion(deb: string, version: string, work: string): string {
  const tree = path.join(work, `tree-${version}`);
  const made = path.join(work, `ec2-backup-agent_${version}_amd64.deb`);
  execFileSync("dpkg-deb", ["-R", deb, tree]);
  execFileSync("sed", ["-i", `s/^Version: .*/Version: ${version}/`, path.join(tree, "DEBIAN/control")]);
  execFileSync("dpkg-deb", ["-Znone", "--build", tree, made], { stdio: "ignore" });
  execFileSync("rm", ["-r", tree]);
  return made;
}
