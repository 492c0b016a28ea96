import type { FoundFilesystem } from "./restore-ports.ts";

/** Which filesystems may hold what is wanted, or why none does, as a sentence's end. */
export type FilesystemChoice =
  | { readonly candidates: readonly FoundFilesystem[] }
  | { readonly found: string; readonly remedy: string };

/**
 * The filesystems that are meant: by label, UUID, path or number of the partition where one is wished for, else all
 * that can be mounted, the likely ones first: those of a boot loader hold what nobody asks for.
 */
export function chooseFilesystem(all: readonly FoundFilesystem[], wish?: string): FilesystemChoice {
  const named = all.filter(
    ({ label, uuid, path, partition }) =>
      wish === undefined || [label, uuid, path, partition?.toString()].includes(wish),
  );
  const [first] = named;
  if (first === undefined) {
    const found =
      wish === undefined ? "there is no filesystem on the disks" : `there is no filesystem ${wish}`;
    const remedy =
      all.length === 0 ? "another point may hold one" : `choose one of ${all.map(inWords).join(", ")}`;
    return { found, remedy };
  }
  const good = named.filter(({ obstacle }) => obstacle === undefined);
  if (good.length === 0) {
    const { found, remedy } = first.obstacle ?? { found: "it cannot be mounted", remedy: "look at it" };
    return { found: `${inWords(first)}: ${found}`, remedy };
  }
  const isBoot = ({ type }: FoundFilesystem): number => (type === "vfat" ? 1 : 0);
  return { candidates: good.toSorted((a, b) => isBoot(a) - isBoot(b)) };
}

/** Short enough for a list of them. */
export function inWords({ path, type, label, partition }: FoundFilesystem): string {
  const part = partition === undefined ? "" : `, partition ${partition}`;
  return `${label ?? path} (${type}${part})`;
}
