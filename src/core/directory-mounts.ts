import type { DirectoryOrder } from "./directory.ts";
import { holderOf, isWithin, type MountEntry } from "./mount-table.ts";

/** The mounts whose files a copy of the directory reads: the one that it lies on, and those below it. */
export function mountsRead(
  directory: string,
  { oneFileSystem }: Pick<DirectoryOrder, "oneFileSystem">,
  all: readonly MountEntry[],
): readonly MountEntry[] {
  const holder = holderOf(directory, all);
  return all.filter((one) => one === holder || (!oneFileSystem && isWithin(one.path, directory)));
}

/** Which came and which went, in a sentence; undefined where they are the same. */
export function mountsChanged(
  before: readonly MountEntry[],
  after: readonly MountEntry[],
): string | undefined {
  const beyond = (some: readonly MountEntry[], others: readonly MountEntry[]) => {
    const known = new Set(others.map(({ id, path }) => `${id} ${path}`));
    return some.filter(({ id, path }) => !known.has(`${id} ${path}`)).map(({ path }) => path);
  };
  const [gone, come] = [beyond(before, after), beyond(after, before)];
  const said = [
    ...(gone.length === 0 ? [] : [`${gone.join(", ")} was unmounted`]),
    ...(come.length === 0 ? [] : [`${come.join(", ")} was mounted`]),
  ];
  return said.length === 0 ? undefined : `${said.join(", ")} while the directory was copied`;
}
