import { BackupError } from "../core/errors.ts";
import { systemDirectories, systemProgram } from "./system-path.ts";

/** Which Debian-like package has a program, for the remedy. */
const packageOf: Readonly<Record<string, string>> = {
  sh: "a POSIX shell",
  sync: "coreutils",
  sleep: "coreutils",
  mkfifo: "coreutils",
};

/** The absolute paths of programs; throws a `configuration` failure that names all that are missing. */
export async function findPrograms<Name extends string>(
  names: readonly Name[],
  directories: readonly string[] = systemDirectories,
): Promise<Readonly<Record<Name, string>>> {
  const found = await Promise.all(
    names.map(async (name) => [name, await systemProgram(name, directories)] as const),
  );
  const missing = found.flatMap(([name, file]) => (file === undefined ? [name] : []));
  if (missing.length > 0) {
    const packages = new Set(missing.map((name) => packageOf[name] ?? "util-linux"));
    throw new BackupError({
      kind: "configuration",
      doing: `find the program${missing.length > 1 ? "s" : ""} ${missing.join(", ")}`,
      found: `nothing of that name in ${directories.join(", ")}`,
      remedy: `install ${[...packages].join(" and ")}`,
    });
  }
  return Object.fromEntries(found) as Record<Name, string>;
}
