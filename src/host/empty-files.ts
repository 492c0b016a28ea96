import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";

/** The empty files of a directory that have such a name, and how each is removed if it is empty still. */
export async function emptyFiles(
  directory: string,
  named: RegExp,
): Promise<readonly { readonly id: string; remove(): Promise<boolean> }[]> {
  const isEmpty = async (file: string): Promise<boolean> => {
    const found = await stat(file).catch(() => undefined);
    return found?.isFile() === true && found.size === 0;
  };
  const names: string[] = [];
  for (const name of await readdir(directory))
    if (named.test(name) && (await isEmpty(path.join(directory, name)))) names.push(name);
  return names.map((id) => ({
    id,
    async remove() {
      const file = path.join(directory, id);
      if (!(await isEmpty(file))) return false;
      await rm(file, { force: true });
      return true;
    },
  }));
}
