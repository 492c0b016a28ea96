import path from "node:path";

/** A path as it is meant in the directory that we were started in. */
export function absolutePath(given: string): string {
  return path.resolve(given);
}
