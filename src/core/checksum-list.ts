/** One line of a list as sha256sum writes it. */
export interface Checksum {
  /** In hex, lower case. */
  readonly sum: string;
  readonly path: string;
}

/**
 * Reads a list in the format of sha256sum(1): `sum  path` or `sum *path`, with a backslash before the sum where the
 * name holds one or a line feed, or the tagged form. Lines that are none of it are told by their numbers.
 */
export function checksumsIn(text: string): {
  readonly checksums: readonly Checksum[];
  readonly unreadable: readonly number[];
} {
  const checksums: Checksum[] = [];
  const unreadable: number[] = [];
  for (const [index, written] of text.split("\n").entries()) {
    const line = written.replace(/\r$/, "");
    if (line.trim() === "" || line.startsWith("#")) continue;
    const plain = /^(\\?)([0-9a-fA-F]{64}) [ *](.+)$/.exec(line);
    const tagged = /^(\\?)SHA256 \((.+)\) = ([0-9a-fA-F]{64})$/.exec(line);
    const [escaped, sum, path] =
      plain === null ? [tagged?.[1], tagged?.[3], tagged?.[2]] : [plain[1], plain[2], plain[3]];
    if (sum === undefined || path === undefined) unreadable.push(index + 1);
    else checksums.push({ sum: sum.toLowerCase(), path: escaped === "" ? path : unescaped(path) });
  }
  return { checksums, unreadable };
}

function unescaped(path: string): string {
  return path.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign === "r" ? "\r" : sign));
}
