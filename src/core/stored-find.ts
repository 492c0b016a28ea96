import type { StoredEntry } from "./store-ports.ts";
import { isWithin, nameOf } from "./stored-path.ts";

/** What is looked for in the listing of a point. */
export interface FindWish {
  /**
   * Words of the shell: `*`, `?`, `[a-z]`; `**` also crosses slashes. One with a slash is of whole paths (a relative one
   * of their ends), one without of names.
   */
  readonly pattern: string;
  /** Only below it. */
  readonly below?: string;
  readonly ignoreCase: boolean;
  readonly type?: StoredEntry["type"];
}

/** Whether an entry is meant. Throws a `RangeError` for a pattern that is none. */
export function finder(wish: FindWish): (entry: StoredEntry) => boolean {
  const isMeant = pathFinder(wish);
  const { type } = wish;
  return (entry) => (type === undefined || entry.type === type) && isMeant(entry.path);
}

/** Whether what lies at a path is meant, as far as its path goes. */
export function pathFinder({
  pattern,
  below = "/",
  ignoreCase,
}: Omit<FindWish, "type">): (path: string) => boolean {
  const isPath = pattern.includes("/");
  const start = pattern.startsWith("/") ? "" : "(?:.*/)?";
  const regex = new RegExp(`^${isPath ? start : ""}${regexOf(pattern)}$`, ignoreCase ? "isu" : "su");
  return (path) => isWithin(path, below) && regex.test(isPath ? path : nameOf(path));
}

function regexOf(pattern: string): string {
  let regex = "";
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const [whole, translated] = nextOf(rest);
    regex += translated;
    at += whole.length;
  }
  return regex;
}

/** The first piece of a pattern, and the same as a regular expression. */
function nextOf(rest: string): readonly [string, string] {
  if (rest.startsWith("**/")) return ["**/", "(?:.*/)?"];
  if (rest.startsWith("**")) return ["**", ".*"];
  if (rest.startsWith("*")) return ["*", "[^/]*"];
  if (rest.startsWith("?")) return ["?", "[^/]"];
  if (rest.startsWith("[")) {
    const [whole, not, content] = /^\[([!^]?)(\]?[^\]]*)\]/s.exec(rest) ?? [];
    if (whole === undefined || content === undefined || content === "")
      throw new RangeError("a [ without its ]; \\[ stands for itself");
    const inside = content.replace(/[\\\][^&~|]/g, "\\$&");
    return [whole, not ? `[^/${inside}]` : `[${inside}]`];
  }
  const [one = ""] = rest.startsWith("\\") && rest.length > 1 ? [...rest.slice(1)] : [...rest];
  return [rest.startsWith("\\") && rest.length > 1 ? `\\${one}` : one, literal(one)];
}

function literal(one: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(one) ? `\\${one}` : one;
}
