/** Looks at a value and names what is wrong with it, each fault with its path; no fault, no line. */
export type Check = (value: unknown, path: string) => string[];

const found = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));

/** A text, optionally of a certain form. */
export function text(form?: { pattern: RegExp; like: string }): Check {
  return (value, path) => {
    if (typeof value !== "string") return [`${path}: expected a text, got ${found(value)}`];
    if (form && !form.pattern.test(value)) return [`${path}: expected ${form.like}, got ${found(value)}`];
    return [];
  };
}

/** An instant in ISO 8601. */
export const instant: Check = (value, path) =>
  typeof value === "string" && !Number.isNaN(Date.parse(value))
    ? []
    : [`${path}: expected an ISO 8601 instant, got ${found(value)}`];

/** A number within bounds. */
export function number(bounds: { min: number; max?: number; integer?: boolean }): Check {
  const { min, max = Number.MAX_SAFE_INTEGER, integer = false } = bounds;
  const like = `${integer ? "a whole number" : "a number"} from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ""}`;
  return (value, path) =>
    typeof value === "number" && value >= min && value <= max && (!integer || Number.isInteger(value))
      ? []
      : [`${path}: expected ${like}, got ${found(value)}`];
}

/** True or false. */
export const flag: Check = (value, path) =>
  typeof value === "boolean" ? [] : [`${path}: expected true or false, got ${found(value)}`];

/** Whatever it is: looked at elsewhere. */
export const anything: Check = () => [];

/** One of a few texts. */
export function oneOf(...values: string[]): Check {
  return (value, path) =>
    values.includes(value as string)
      ? []
      : [`${path}: expected one of ${values.join(", ")}, got ${found(value)}`];
}

/** The value or null. */
export function nullable(check: Check): Check {
  return (value, path) => (value === null ? [] : check(value, path));
}

/** Any of several forms; the faults of the last are told. */
export function either(...checks: Check[]): Check {
  return (value, path) => {
    let faults: string[] = [];
    for (const check of checks) {
      faults = check(value, path);
      if (faults.length === 0) return [];
    }
    return faults;
  };
}

/** A list of things of one kind. */
export function list(item: Check): Check {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((each, index) => item(each, `${path}[${index}]`))
      : [`${path}: expected a list, got ${found(value)}`];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A mapping with free keys. */
export function record(item: Check): Check {
  return (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, each]) => item(each, `${path}.${key}`))
      : [`${path}: expected an object, got ${found(value)}`];
}

/** An object with known fields, of which some must be there; any other field is a fault. */
export function object(fields: Record<string, Check>, required: string[] = []): Check {
  return (value, path) => {
    if (!isObject(value)) return [`${path || "scenario"}: expected an object, got ${found(value)}`];
    const at = (key: string) => (path === "" ? key : `${path}.${key}`);
    const faults = required.filter((key) => value[key] === undefined).map((key) => `${at(key)}: missing`);
    for (const [key, each] of Object.entries(value)) {
      const check = fields[key];
      if (check === undefined) faults.push(`${at(key)}: unknown (known: ${Object.keys(fields).join(", ")})`);
      else if (each !== undefined) faults.push(...check(each, at(key)));
    }
    return faults;
  };
}
