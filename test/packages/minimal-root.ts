import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "vitest";

/** What messages and the starter need, flock of util-linux, which the packages ask for, and the libraries that Node's own build names. */
const programs = ["/bin/sh", "/bin/cat", "/bin/rm", "/usr/bin/flock"];

/** A root with next to nothing in it, in memory, which goes with the test. */
export function minimalRoot({ onTestFinished }: Pick<TestContext, "onTestFinished">): string {
  const root = mkdtempSync(path.join(tmpdir(), "minimal-root-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "mode=755", "tmpfs", root]);
  onTestFinished(() => {
    execFileSync("umount", [root]);
    rmSync(root, { recursive: true, force: true });
  });
  for (const folder of [
    "usr/bin",
    "usr/lib",
    "usr/lib64",
    "dev",
    "proc",
    "tmp",
    "var/lib",
    "var/cache",
    "etc",
    "run",
    "root",
  ])
    mkdirSync(path.join(root, folder), { recursive: true });
  for (const folder of ["bin", "lib", "lib64"]) symlinkSync(`usr/${folder}`, path.join(root, folder));
  const wanted = [...programs, process.execPath].flatMap(librariesOf);
  for (const file of [...programs, ...wanted]) {
    const place = path.join(root, file);
    mkdirSync(path.dirname(place), { recursive: true });
    copyFileSync(realpathSync(file), place);
  }
  execFileSync("mknod", ["-m", "666", path.join(root, "dev/null"), "c", "1", "3"]);
  execFileSync("mknod", ["-m", "666", path.join(root, "dev/urandom"), "c", "1", "9"]);
  return root;
}

function librariesOf(program: string): string[] {
  const told = execFileSync("ldd", [program], { encoding: "utf8" });
  return [...told.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
}
