/** The form of a request's parameters, as far as decoding needs to know it. A timestamp becomes milliseconds since the epoch, a map of texts a record. */
export type Shape =
  | "string"
  | "integer"
  | "double"
  | "boolean"
  | "timestamp"
  | "map"
  | readonly [Shape]
  | { readonly [name: string]: Shape };

/** The form of a whole request. */
export type StructureShape = { readonly [name: string]: Shape };

/** What decoding gives: lists are always there, anything else may be missing. */
export type Decoded<S> = S extends "string"
  ? string
  : S extends "integer" | "double" | "timestamp"
    ? number
    : S extends "boolean"
      ? boolean
      : S extends "map"
        ? Record<string, string>
        : S extends readonly [infer Item]
          ? Decoded<Item>[]
          : S extends object
            ? { [K in keyof S]: S[K] extends readonly [unknown] ? Decoded<S[K]> : Decoded<S[K]> | undefined }
            : never;

/** Makes the error for a parameter that cannot be decoded. */
export type DecodeFailure = (
  fault: { kind: "unknown" } | { kind: "malformed"; expected: string; found: string },
  path: string,
) => Error;

/** One scalar from its text in a form. @throws what `fail` makes. */
export function decodeText(
  shape: Exclude<Shape, object>,
  text: string,
  path: string,
  fail: DecodeFailure,
): unknown {
  const malformed = () => fail({ kind: "malformed", expected: shape, found: text }, path);
  switch (shape) {
    case "string":
      return text;
    case "integer":
      if (!/^-?\d{1,15}$/.test(text)) throw malformed();
      return Number(text);
    case "double":
      if (text === "" || (Number.isNaN(Number(text)) && text !== "NaN")) throw malformed();
      return Number(text);
    case "boolean":
      if (!/^(true|false)$/i.test(text)) throw malformed();
      return text.toLowerCase() === "true";
    case "timestamp":
      if (Number.isNaN(Date.parse(text))) throw malformed();
      return Date.parse(text);
    case "map":
      throw malformed();
  }
}

/** Parameters from JSON or CBOR, where numbers are numbers and times are seconds or dates. Unknown ones are passed over, as AWS does there. */
export function decodeData<S extends StructureShape>(
  shape: S,
  data: unknown,
  fail: DecodeFailure,
): Decoded<S> {
  return decodeValue(shape, data ?? {}, "", fail) as Decoded<S>;
}

function decodeValue(shape: Shape, value: unknown, path: string, fail: DecodeFailure): unknown {
  if (typeof shape === "string")
    return value === undefined || value === null ? undefined : decodeScalar(shape, value, path, fail);
  if (isListShape(shape)) {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value))
      throw fail({ kind: "malformed", expected: "list", found: JSON.stringify(value) }, path);
    return value.map((item, index) => decodeValue(shape[0], item, `${path}.member.${index + 1}`, fail));
  }
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object")
    throw fail({ kind: "malformed", expected: "structure", found: String(value) }, path);
  const entries = value as Record<string, unknown>;
  const names = Object.entries(shape);
  return Object.fromEntries(
    names.map(([name, each]) => [name, decodeValue(each, entries[name], join(path, name), fail)]),
  );
}

function decodeScalar(
  shape: Exclude<Shape, object>,
  value: unknown,
  path: string,
  fail: DecodeFailure,
): unknown {
  const malformed = () => fail({ kind: "malformed", expected: shape, found: String(value) }, path);
  if (shape === "timestamp") {
    if (value instanceof Date) return value.getTime();
    if (typeof value === "number") return value * 1_000;
    return decodeText(shape, String(value), path, fail);
  }
  if (shape === "map") {
    const texts = typeof value === "object" && Object.values(value as object).every(isText);
    if (!texts) throw malformed();
    return value;
  }
  if (shape === "double" && typeof value === "string" && /^(NaN|-?Infinity)$/.test(value))
    return Number(value);
  const type = shape === "integer" || shape === "double" ? "number" : shape;
  if (typeof value !== type) throw malformed();
  return value;
}

const isText = (value: unknown): value is string => typeof value === "string";

/** Whether a shape is that of a list. */
export function isListShape(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** The path of a member. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
