import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from "yaml";
import { harmless } from "../core/harmless.ts";
import { type Fault, quoted } from "./fault.ts";
import { type Path, pathText } from "./path.ts";

type Where = (offset: number) => string;

/** No sensible file refers to its anchors more often; a hostile one could otherwise fill the memory. */
export const mostAliases = 100;

/** The parser's complaints, at most one a line: one slip often upsets it several times. */
export function syntaxFaults(document: Document.Parsed, where: Where): Fault[] {
  const errors = [...document.errors, ...document.warnings];
  const exhausted = errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  const seen = new Set<string>();
  return (exhausted === undefined ? errors : [exhausted]).flatMap(({ code, message, pos }) => {
    const place = where(pos[0]);
    const line = place.slice(0, place.lastIndexOf(":"));
    if (seen.has(line)) return [];
    seen.add(line);
    return [{ place, path: "", ...complaint(code, message) }];
  });
}

function complaint(code: string, message: string): Pick<Fault, "expected" | "found" | "remedy"> {
  if (code === "MULTIPLE_DOCS")
    return { expected: "a single YAML document", found: "a second one after ---" };
  const expected = "valid YAML";
  if (code === "RESOURCE_EXHAUSTION") return { expected, found: "values nested too deeply" };
  const found = `a syntax error (${harmless(message.split("\n", 1)[0] ?? "")})`;
  // A cron expression may begin with the character that YAML uses for references.
  return /alias/i.test(message) ? { expected, found, remedy: starRemedy } : { expected, found };
}

const starRemedy = "put text that begins with * in quotes";

/**
 * Keys that occur twice, keys that are no names, and references to anchors that are not there. `usable` is
 * false if the document cannot become a plain value, or only one with keys that nobody wrote.
 */
export function keyFaults(document: Document.Parsed, where: Where): { faults: Fault[]; usable: boolean } {
  const faults: Fault[] = [];
  let usable = true;
  let aliases = 0;
  const visit = (node: unknown, path: Path): void => {
    if (isSeq(node)) for (const [index, item] of node.items.entries()) visit(item, [...path, index]);
    if (isAlias(node)) {
      aliases += 1;
      // Each look for an anchor goes through the whole document.
      if (aliases > mostAliases || node.resolve(document) !== undefined) return;
      const found = `*${harmless(node.source)}, a reference to an anchor that is not there`;
      usable = false;
      faults.push({ ...at(node, path), expected: "a value", found, remedy: starRemedy });
    }
    if (!isMap(node)) return;
    const first = new Map<string, string>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined || name === "__proto__") {
        const found = name === undefined ? "a key that is no plain text" : quoted(name);
        usable = false;
        faults.push({ ...at(key ?? node, path), expected: "a name as key", found });
        continue;
      }
      const here = at(key, [...path, name]);
      const earlier = first.get(name);
      if (earlier === undefined) first.set(name, here.place);
      else faults.push({ ...here, expected: "each key once", found: `it again after ${earlier}` });
      visit(value, [...path, name]);
    }
  };
  const at = (node: unknown, path: Path) => ({
    place: where((node as Node).range?.[0] ?? 0),
    path: pathText(path),
  });
  visit(document.contents, []);
  return { faults, usable };
}
