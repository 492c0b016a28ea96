import type * as z from "zod/mini";
import { type Fault, shown } from "./fault.ts";
import { type Path, pathText } from "./path.ts";
import { remedyForKey } from "./suggest.ts";

type Issue = z.core.$ZodIssue;

/** Where in the file a path lies: the value, or the key that leads to it. */
export type PlaceOf = (path: Path, at: "key" | "value") => string;

/** What the schema found wrong with a value, as faults with their places; one for each path. */
export function faultsOf(
  issues: readonly Issue[],
  schema: z.core.$ZodType,
  value: unknown,
  placeOf: PlaceOf,
): Fault[] {
  const faults = new Map<string, Fault>();
  for (const fault of issues.flatMap((issue) => faultsOfIssue(issue, schema, value, placeOf))) {
    // A wrong type also fails the checks that follow; the first of them says enough.
    if (!faults.has(fault.path)) faults.set(fault.path, fault);
  }
  return [...faults.values()];
}

function faultsOfIssue(issue: Issue, schema: z.core.$ZodType, value: unknown, placeOf: PlaceOf): Fault[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey([...path, key], keysAt(schema, path), placeOf));
  }
  const meant = issue.code === "invalid_union" ? meantOption(issue) : undefined;
  if (meant !== undefined) {
    return meant.flatMap((one) =>
      faultsOfIssue({ ...one, path: [...issue.path, ...one.path] }, schema, value, placeOf),
    );
  }
  if (issue.code === "invalid_key") {
    const expected = issue.issues[0]?.message ?? "another key";
    return [{ ...at(path, "key", placeOf), expected, found: shown(path.at(-1)) }];
  }
  const found = foundOf(issue, isSecret(path) ? unshown : valueAt(value, path));
  return [{ ...at(path, "value", placeOf), expected: issue.message, found }];
}

/** What is wrong with the one form of several that the value has; nothing if it has none or several. */
function meantOption(issue: Extract<Issue, { code: "invalid_union" }>): readonly Issue[] | undefined {
  const otherForms: readonly string[] = ["invalid_type", "invalid_value", "invalid_union"];
  const meant = issue.errors.filter(
    (option) => !option.some(({ code, path }) => path.length === 0 && otherForms.includes(code)),
  );
  return meant.length === 1 ? meant[0] : undefined;
}

function unknownKey(path: Path, known: readonly string[], placeOf: PlaceOf): Fault {
  const remedy = remedyForKey(String(path.at(-1)), known);
  const fault = {
    ...at(path, "key", placeOf),
    expected: `one of ${known.join(", ")}`,
    found: "an unknown key",
  };
  return remedy === undefined ? fault : { ...fault, remedy };
}

function at(path: Path, which: "key" | "value", placeOf: PlaceOf): { place: string; path: string } {
  return { place: placeOf(path, which), path: pathText(path) };
}

/** What was found: the value, unless the check that failed says it better. */
function foundOf(issue: Issue, value: unknown): string {
  const { found, detail }: Record<string, unknown> = issue.code === "custom" ? (issue.params ?? {}) : {};
  if (typeof found === "string") return found;
  if (value === unshown) return "something else";
  return typeof detail === "string" ? `${shown(value)} (${detail})` : shown(value);
}

/** Stands for a value that no message may show. */
const unshown = Symbol("unshown");

/** Whoever knows the address of a ping can send one, and it may stand where the section should. */
function isSecret([first, second, third]: Path): boolean {
  if (first !== "notify") return false;
  return second === undefined || (second === "ping" && (third === undefined || third === "url"));
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

/** The keys that the schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let here: z.core.$ZodType | undefined = schema;
  for (const step of path) here = here && childOf(here, step);
  const def = here && plain(here)._zod.def;
  return def?.type === "object" ? Object.keys(def.shape) : [];
}

function childOf(schema: z.core.$ZodType, step: string | number): z.core.$ZodType | undefined {
  const { def } = plain(schema)._zod;
  if (def.type === "object") return def.shape[step] as z.core.$ZodType | undefined;
  if (def.type === "record") return def.valueType as z.core.$ZodType;
  return def.type === "array" ? (def.element as z.core.$ZodType) : undefined;
}

function plain(schema: z.core.$ZodType): z.core.$ZodTypes {
  const known = schema as z.core.$ZodTypes;
  const { def } = known._zod;
  if (def.type === "optional") return plain(def.innerType as z.core.$ZodType);
  // What stands in the file comes in; what is made of it has no keys of the file.
  if (def.type === "pipe") return plain(def.in as z.core.$ZodType);
  if (def.type !== "union") return known;
  const options = def.options.map((option) => plain(option as z.core.$ZodType));
  return options.find((option) => option._zod.def.type === "object") ?? known;
}
