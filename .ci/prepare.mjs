// Makes a fresh clone ready: installs what package-lock.json names, and a Node that is new enough where
// the machine's own is not. Node modules' commands come first in the PATH of npm scripts, so the scripts
// that follow run on it.
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import path from "node:path";

const root = path.dirname(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname));
const at = (...names) => path.join(root, ...names);
const npm = (...words) =>
  execFileSync("npm", words, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
const changed = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

if (changed(at("node_modules", ".package-lock.json")) < changed(at("package-lock.json"))) {
  npm("ci", "--no-audit", "--no-fund");
}

const [major, minor] = process.versions.node.split(".").map(Number);
const oldNode = major < 22 || (major === 22 && minor < 12);
if (oldNode && !existsSync(at("node_modules", "node", "bin", "node"))) {
  console.error(
    `Node ${process.versions.node} is older than 22.12: getting Node 24 from npm, for this clone only.`,
  );
  npm("install", "--no-save", "--no-audit", "--no-fund", "node@24");
}
