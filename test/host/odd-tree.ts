import { execFileSync } from "node:child_process";
import path from "node:path";
import { lookAtTree, makeTree } from "./odd-tree-scripts.ts";
import { has } from "./places.ts";

export const oddTreeNeed = "setfattr, getfattr, setfacl, getfacl (packages attr and acl), setcap and python3";
export const oddTreeCan = ["setfattr", "getfattr", "setfacl", "getfacl", "python3"].every(has);

export function makeOddTree(directory: string): void {
  execFileSync("sh", ["-c", makeTree], { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
}

/** All of a tree in words: whatever differs between two trees differs here. Sockets are left out. */
export function everythingOf(directory: string, name = "tree"): string {
  return execFileSync("sh", ["-c", lookAtTree, "sh", directory, path.basename(name)], {
    encoding: "latin1",
    maxBuffer: 64 * 1024 * 1024,
  });
}
