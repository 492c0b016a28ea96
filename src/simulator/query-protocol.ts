import {
  type Decoded,
  type DecodeFailure,
  decodeText,
  isListShape,
  join,
  type Shape,
  type StructureShape,
} from "./shapes.ts";

/** `ec2` numbers list items directly (`Filter.1.Name`), `query` through a word (`MetricData.member.1.Value`). */
export type QueryDialect = "ec2" | "query";

interface Node {
  value: string | undefined;
  children: Map<string, Node>;
}

/** Parameters that belong to every call and to none in particular. */
const envelope = new Set([
  "Action",
  "Version",
  "AWSAccessKeyId",
  "SignatureMethod",
  "SignatureVersion",
  "Timestamp",
]);

/**
 * Parameters from a form body.
 * @throws what `fail` makes: EC2 refuses parameters that it does not know.
 */
export function decodeQuery<S extends StructureShape>(
  shape: S,
  form: URLSearchParams,
  dialect: QueryDialect,
  fail: DecodeFailure,
): Decoded<S> {
  const root: Node = { value: undefined, children: new Map() };
  for (const [name, value] of form) {
    if (!envelope.has(name)) plant(root, name.split("."), value);
  }
  return decodeNode(shape, root, "", dialect, fail) as Decoded<S>;
}

function plant(node: Node, path: string[], value: string): void {
  const [first, ...rest] = path;
  if (first === undefined) {
    node.value = value;
    return;
  }
  const child = node.children.get(first) ?? { value: undefined, children: new Map() };
  node.children.set(first, child);
  plant(child, rest, value);
}

function decodeNode(
  shape: Shape,
  node: Node | undefined,
  path: string,
  dialect: QueryDialect,
  fail: DecodeFailure,
): unknown {
  if (isListShape(shape)) return decodeList(shape[0], node, path, dialect, fail);
  if (node === undefined) return undefined;
  if (shape === "map") return decodeMap(node, path, fail);
  if (typeof shape === "string") {
    if (node.children.size > 0 || node.value === undefined)
      throw fail({ kind: "unknown" }, deepest(node, path));
    return decodeText(shape, node.value, path, fail);
  }
  if (node.value !== undefined && path !== "") throw fail({ kind: "unknown" }, path);
  for (const [name, child] of node.children) {
    if (!(name in shape) && dialect === "ec2")
      throw fail({ kind: "unknown" }, deepest(child, join(path, name)));
  }
  const names = Object.entries(shape);
  return Object.fromEntries(
    names.map(([name, each]) => [
      name,
      decodeNode(each, node.children.get(name), join(path, name), dialect, fail),
    ]),
  );
}

function decodeList(
  item: Shape,
  node: Node | undefined,
  path: string,
  dialect: QueryDialect,
  fail: DecodeFailure,
): unknown[] {
  if (node === undefined) return [];
  const holder = dialect === "query" ? node.children.get("member") : node;
  // An empty list is sent as a bare name in the query dialect.
  if (holder === undefined) return [];
  const at = dialect === "query" ? `${path}.member` : path;
  const items = [...holder.children].map(([index, child]) => {
    if (!/^\d{1,6}$/.test(index)) throw fail({ kind: "unknown" }, deepest(child, join(at, index)));
    return [Number(index), child] as const;
  });
  if (items.length === 0) throw fail({ kind: "unknown" }, path);
  items.sort(([a], [b]) => a - b);
  return items.map(([index, child]) => decodeNode(item, child, `${at}.${index}`, dialect, fail));
}

// `Attributes.entry.1.key=Policy&Attributes.entry.1.value=...`
function decodeMap(node: Node, path: string, fail: DecodeFailure): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [index, entry] of node.children.get("entry")?.children ?? []) {
    const key = entry.children.get("key")?.value;
    if (key === undefined) throw fail({ kind: "unknown" }, `${path}.entry.${index}`);
    map[key] = entry.children.get("value")?.value ?? "";
  }
  return map;
}

function deepest(node: Node, path: string): string {
  for (const [name, child] of node.children) return deepest(child, join(path, name));
  return path;
}
