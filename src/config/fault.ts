import { harmless } from "../core/harmless.ts";

/** A fault of the configuration: where, what was expected, what was found, and what to do about it. */
export interface Fault {
  /** `config.yaml:7:5`, the path of a file, or `tag Retention`. */
  readonly place: string;
  /** `jobs.default.retention.daily`; empty if the fault is not about one value. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  readonly remedy?: string;
}

/** The fault in one line, as compilers write it, so that editors can jump to the place. */
export function formatFault(fault: Fault): string {
  const path = fault.path === "" ? "" : `${fault.path}: `;
  const remedy = fault.remedy === undefined ? "" : `; ${fault.remedy}`;
  return `${fault.place}: ${path}expected ${fault.expected}, found ${fault.found}${remedy}`;
}

const longestShown = 80;

/** Any value in few words; text is quoted so that nothing in it can pass for a part of our message. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return shownList(value);
  if (typeof value === "object") return Object.keys(value).length === 0 ? "an empty mapping" : "a mapping";
  return String(value);
}

function shownList(list: readonly unknown[]): string {
  if (list.length === 0) return "an empty list";
  const plain = list.length <= 5 && list.every((item) => typeof item !== "object");
  return plain ? `the list ${list.map(shown).join(", ")}` : "a list";
}

/** Text in double quotes, cut to a readable length, with everything escaped that could disturb a terminal or a log. */
export function quoted(text: string): string {
  const characters = [...text];
  const cut = characters.length > longestShown ? `${characters.slice(0, longestShown).join("")}...` : text;
  return harmless(JSON.stringify(cut));
}
