/** Where something lies that a repository holds: a path of the files, or a path in what a dump has written. */
export type StoredPlace =
  | { readonly in: "files"; readonly path: string }
  /** `path` is absolute within the dump; `/` is all of it. */
  | { readonly in: "dump"; readonly dump: string; readonly path: string };

/** Reads `/srv/data/x`, `dump/shop` and `dump/shop/x.json`; nothing where it is neither. */
export function storedPlace(text: string): StoredPlace | undefined {
  if (text.includes("\0")) return undefined;
  if (text.startsWith("/")) return { in: "files", path: plainPath(text) };
  const [, dump = "", path = "/"] = /^dump\/([^/]+)(\/.*)?$/s.exec(text) ?? [];
  return dump === "" ? undefined : { in: "dump", dump, path: plainPath(path) };
}

/** How it is called on the command line. */
export function placeText(place: StoredPlace): string {
  if (place.in === "files") return place.path;
  return `dump/${place.dump}${place.path === "/" ? "" : place.path}`;
}

/** The same path without `.`, `..`, and slashes that say nothing. */
export function plainPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

/** The directory that holds it; that of `/` is itself. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Whether it is the directory itself or lies in it, however deep. */
export function isWithin(path: string, directory: string): boolean {
  return directory === "/" || path === directory || path.startsWith(`${directory}/`);
}

/** Whether a snapshot of these paths can hold it: it lies in one of them, or one of them lies in it. */
export function canHold(paths: readonly string[], path: string): boolean {
  return paths.some((one) => isWithin(path, plainPath(one)) || isWithin(plainPath(one), path));
}
