/** A document's content: text, or elements in order; a list repeats its element. */
export type Content =
  | string
  | number
  | boolean
  | { readonly [name: string]: Content | readonly Content[] | undefined };

const escaped = (text: string) =>
  text.replace(/[<>&"\r]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[c] ?? "&#13;");

function body(content: Content): string {
  if (typeof content !== "object") return escaped(String(content));
  return Object.entries(content)
    .flatMap(([name, value]) => {
      const all = value === undefined ? [] : Array.isArray(value) ? value : [value];
      return all.map((one) => `<${name}>${body(one as Content)}</${name}>`);
    })
    .join("");
}

export function xml(root: string, content: Content): string {
  // Errors are in no namespace.
  const space = root === "Error" ? "" : ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${space}>${body(content)}</${root}>`;
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The texts of all elements of a name in a document that a client sent. */
export function textsOf(document: string, name: string): string[] {
  return [...document.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^]*?)</${name}>`, "g"))].map(
    ([, text = ""]) =>
      text.replace(/&(#x?[0-9a-fA-F]+|\w+);/g, (whole, entity: string) => {
        if (!entity.startsWith("#")) return entities[entity] ?? whole;
        const hex = entity[1] === "x";
        return String.fromCodePoint(Number.parseInt(entity.slice(hex ? 2 : 1), hex ? 16 : 10));
      }),
  );
}
