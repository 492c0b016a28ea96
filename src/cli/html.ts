/** Text that is HTML already; only `html` and what it calls make some. */
export interface Markup {
  readonly markup: string;
}

/** What may stand in a template: text is escaped, markup is not, lists are joined, nothing is left out. */
export type Content = string | number | Markup | readonly Content[] | false | undefined;

/** A template whose values are escaped, in text and in quoted attributes alike. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return {
    markup: parts.map((part, index) => (index === 0 ? part : written(values[index - 1]) + part)).join(""),
  };
}

function written(value: Content): string {
  if (value === undefined || value === false) return "";
  if (typeof value === "string" || typeof value === "number") return escaped(visible(String(value)));
  return "markup" in value ? value.markup : value.map(written).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? "");
}

/**
 * Text with its signs that nobody sees made visible: a mark that turns the direction of writing could make one name
 * look like another, and control signs are no HTML.
 */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(
      /(?![\n\t])[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu,
      (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
    );
}
