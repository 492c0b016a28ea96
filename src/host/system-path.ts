import { access, constants } from "node:fs/promises";

/** Where programs are looked for, whatever started the agent: cron's own PATH has two directories. */
export const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The same as a list. */
export const systemDirectories: readonly string[] = systemPath.split(":");

/** With what the agent starts programs of the system. */
export const systemEnvironment: Readonly<Record<string, string>> = {
  PATH: systemPath,
  LANG: "C",
  LC_ALL: "C",
};

/** The path of a program of the system; absent if it is not installed. */
export async function systemProgram(
  name: string,
  directories: readonly string[] = systemDirectories,
): Promise<string | undefined> {
  for (const directory of directories) {
    const file = `${directory}/${name}`;
    const there = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}
