import { lstat, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { codeOf, replaceFile } from "../host/atomic-file.ts";

/**
 * Writes a document as a whole and for its owner alone, and returns where it lies. Only a file is replaced, never
 * what else may have that name, such as a device.
 */
export async function keepDocument(file: string, text: string): Promise<string> {
  const place = await placeOf(path.resolve(file));
  await replaceFile(place, text);
  return place;
}

/** What a link leads to is replaced, not the link. */
async function placeOf(file: string): Promise<string> {
  try {
    const place = await realpath(file);
    if ((await lstat(place)).isFile()) return place;
  } catch (error) {
    const code = codeOf(error);
    const directory = path.dirname(file);
    const hasPlace = code === "ENOENT" && (await isThere(directory));
    if (hasPlace) return file;
    const found = code === "ENOENT" ? `there is no such directory: ${directory}` : code;
    throw new BackupError({ kind: "cannot-write", doing: `write ${file}`, found, code }, { cause: error });
  }
  throw new BackupError({
    kind: "usage",
    doing: `write the report to ${file}`,
    found: "it is there and no regular file",
    remedy: "name a file, or leave out --output to have the report on stdout",
  });
}

function isThere(directory: string): Promise<boolean> {
  return stat(directory).then(
    () => true,
    () => false,
  );
}
