import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { cronLines, type Scheduler, scriptRuns } from "../core/schedulers.ts";
import { codeOf } from "./atomic-file.ts";

/** Tables of the system, files of tables, the users' own (Debian, then Red Hat), and directories of scripts. */
const files = ["etc/crontab", "etc/anacrontab"];
const tables = ["etc/cron.d", "var/spool/cron/crontabs", "var/spool/cron"];
const scripts = ["hourly", "daily", "weekly", "monthly"].map((when) => `etc/cron.${when}`);
const longest = 256 * 1024;

/** The lines and scripts of cron below a root directory that start backups. */
export async function cronSchedulers(root: string): Promise<Scheduler[]> {
  const below = (name: string): string => path.join(root, name);
  const listed = await Promise.all(tables.map((directory) => filesIn(below(directory))));
  const lines = await Promise.all(
    [...files.map(below), ...listed.flat()].map(async (file) =>
      cronLines(await textOf(file)).map((line) => found(`${file}:${line}`)),
    ),
  );
  const runs = await Promise.all(
    scripts.map(async (directory) => {
      const all = await filesIn(below(directory));
      const texts = await Promise.all(all.map(textOf));
      return all.filter((_, index) => scriptRuns(texts[index] ?? "")).map(found);
    }),
  );
  return [...lines.flat(), ...runs.flat()];
}

/** Cron reads its files anew by itself: a line that is there is at work. */
function found(name: string): Scheduler {
  return { kind: "cron", name, enabled: true, active: true };
}

/** As run-parts(8) and cron read them: no hidden files, and none that a package manager has set aside. */
async function filesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: unknown) => absent(error, [] as string[]));
  return names
    .filter((name) => !name.startsWith(".") && !/[.~](dpkg-\w+|rpm\w+|bak)?$/.test(name))
    .sort()
    .map((name) => path.join(directory, name));
}

/** What is no small file has no lines. */
async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file).then((stats) => (stats.isFile() ? stats : { size: longest + 1 }));
    return size > longest ? "" : await readFile(file, "utf8");
  } catch (error) {
    return absent(error, "");
  }
}

/** What may not be read by the agent's user does not start its backups. */
function absent<T>(error: unknown, otherwise: T): T {
  if (["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP"].includes(codeOf(error))) return otherwise;
  throw error;
}
