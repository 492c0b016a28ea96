/** A line of an option file that means something. */
export type OptionLine =
  | { readonly kind: "group"; readonly name: string }
  | { readonly kind: "option"; readonly name: string; readonly value: string | undefined }
  | { readonly kind: "include" | "includedir"; readonly path: string };

/**
 * Reads the format of the option files of MySQL and MariaDB. Names come in lower case with `-` for `_` and
 * without `loose-`. A line that means nothing (an unknown directive) is left out, as their clients do.
 */
export function optionLines(text: string): OptionLine[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const content = line.trim();
    if (content === "" || content.startsWith("#") || content.startsWith(";")) return [];
    if (content.startsWith("!")) return directive(content);
    if (content.startsWith("[")) return group(content);
    return option(content);
  });
}

function directive(content: string): OptionLine[] {
  const match = /^!(includedir|include)\s+(.+)$/.exec(content);
  if (match === null) return [];
  return [{ kind: match[1] as "include" | "includedir", path: (match[2] ?? "").trim() }];
}

function group(content: string): OptionLine[] {
  const end = content.indexOf("]");
  return end < 0 ? [] : [{ kind: "group", name: content.slice(1, end).trimEnd() }];
}

function option(content: string): OptionLine[] {
  const line = withoutComment(content);
  const equals = line.indexOf("=");
  const name = (equals < 0 ? line : line.slice(0, equals)).trim();
  const plain = name
    .toLowerCase()
    .replaceAll("_", "-")
    .replace(/^loose-/, "");
  if (equals < 0) return [{ kind: "option", name: plain, value: undefined }];
  return [{ kind: "option", name: plain, value: unescaped(unquoted(line.slice(equals + 1).trim())) }];
}

/** A `#` begins a comment unless it stands in quotes; in quotes a backslash hides a quote. */
function withoutComment(line: string): string {
  let quote = "";
  let escaped = false;
  for (const [at, character] of [...line].entries()) {
    if ((character === "'" || character === '"') && !escaped) {
      if (quote === "") quote = character;
      else if (quote === character) quote = "";
    }
    if (quote === "" && character === "#") return [...line].slice(0, at).join("");
    escaped = quote !== "" && character === "\\" && !escaped;
  }
  return line;
}

function unquoted(value: string): string {
  const first = value[0];
  const quoted = value.length > 1 && (first === "'" || first === '"') && value.endsWith(first);
  return quoted ? value.slice(1, -1) : value;
}

const escapes: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  r: "\r",
  s: " ",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** A backslash before any other character stays. */
function unescaped(value: string): string {
  return value.replace(/\\(.)/gs, (all, character: string) => escapes[character] ?? all);
}
