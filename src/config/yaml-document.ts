import {
  type Document,
  isAlias,
  isCollection,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { type Fault, quoted } from "./fault.ts";
import type { PlaceOf } from "./issues.ts";
import type { Path } from "./path.ts";
import { keyFaults, mostAliases, syntaxFaults } from "./yaml-faults.ts";

/** A YAML text as a plain value, with the way back from each value to its place. */
export interface YamlDocument {
  readonly value: unknown;
  readonly placeOf: PlaceOf;
  /** The line of the key that leads to a value. */
  readonly lineOf: (path: Path) => number | undefined;
  readonly faults: readonly Fault[];
}

/** A text that cannot be relied on, so that looking for further faults in it would only mislead. */
export interface BrokenYaml {
  readonly broken: readonly Fault[];
}

/** Reads one YAML document. Never throws: what cannot be read is a fault. `name` stands in every place. */
export function readYaml(text: string, name: string): YamlDocument | BrokenYaml {
  const lines = new LineCounter();
  const where = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  try {
    const document = parsed(text, lines);
    const broken = syntaxFaults(document, where);
    if (broken.length > 0) return { broken };
    const { faults, usable } = keyFaults(document, where);
    if (!usable) return { broken: faults };
    const offset = offsetsOf(document);
    return {
      value: document.toJS({ maxAliasCount: mostAliases }),
      placeOf: (path, at) => where(offset(path, at) ?? 0),
      lineOf: (path) => {
        const found = offset(path, "key");
        return found === undefined ? undefined : lines.linePos(found).line;
      },
      faults,
    };
  } catch (error) {
    return { broken: [unreadable(error, `${name}:1:1`)] };
  }
}

function parsed(text: string, lines: LineCounter): Document.Parsed {
  return parseDocument(text, {
    schema: "core",
    resolveKnownTags: false,
    // The parser would compare each key with every other; keyFaults finds duplicates faster.
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
    // Anything chattier lets the parser write to the warnings of the process.
    logLevel: "error",
  });
}

/** What the parser throws for is resource exhaustion, in its own words or in those of the engine. */
function unreadable(error: unknown, place: string): Fault {
  const found = error instanceof RangeError ? "values nested too deeply" : quoted((error as Error).message);
  return { place, path: "", expected: "a file without tricks", found };
}

type Collection = YAMLMap | YAMLSeq;
type Offsets = (path: Path, at: "key" | "value") => number | undefined;

/** Where a path starts in the text, or the nearest thing on the way to it that exists. */
function offsetsOf(document: Document.Parsed): Offsets {
  const known = new WeakMap<Collection, Map<string, unknown>>();
  const itemsOf = (collection: Collection) => {
    const items = known.get(collection) ?? itemsByKey(collection);
    known.set(collection, items);
    return items;
  };
  return (path, at) => {
    let here: unknown = document.contents;
    let offset = startOf(here);
    for (const [index, step] of path.entries()) {
      const collection = isAlias(here) ? here.resolve(document) : here;
      const item = isCollection(collection) ? itemsOf(collection).get(String(step)) : undefined;
      if (item === undefined) return offset;
      const value = isPair(item) ? item.value : item;
      const wanted = isPair(item) && (at === "key" || index < path.length - 1) ? item.key : value;
      // What must be changed is where the alias stands, not the anchor, which may serve others well.
      if (!isAlias(here)) offset = startOf(wanted) ?? offset;
      here = value;
    }
    return offset;
  };
}

function itemsByKey(collection: Collection): Map<string, unknown> {
  const items: readonly unknown[] = collection.items;
  return new Map(
    items.map((item, index) => [
      isPair(item) && isScalar(item.key) ? String(item.key.value) : String(index),
      item,
    ]),
  );
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isCollection(node) || isAlias(node) ? node.range?.[0] : undefined;
}
