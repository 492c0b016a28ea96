import fc from "fast-check";

const name = fc.constantFrom(
  "a",
  "b",
  "item",
  "tagSet",
  "ns:x",
  "#text",
  "__proto__",
  "toString",
  "ä",
  "a\u00a0",
);
const space = fc.constantFrom("", "", " ", "\n", "\r\n", "\r", "\t ", "\n    ");
const entity = fc.constantFrom(
  "&amp;",
  "&lt;",
  "&#65;",
  "&#x1F4A9;",
  "&#xe9;",
  "&nbsp;",
  "&amp",
  "&;",
  "&#;",
  "&",
);
const text = fc
  .array(
    fc.oneof(
      space,
      entity,
      fc.string({ maxLength: 8 }).map((s) => s.replaceAll("<", "")),
      fc.constantFrom("]]>", ">", "😀", "\ud800", "=", "/", "'"),
    ),
    {
      maxLength: 4,
    },
  )
  .map((parts) => parts.join(""));
const odd = fc.oneof(
  text.map((inner) => `<!--${inner}-->`),
  text.map((inner) => `<![CDATA[${inner.replaceAll("]]>", "")}]]>`),
  fc.constantFrom(
    "<?pi some?>",
    "<![CDATA[<b>&amp;</b>]]>",
    "<!-- <a> -->",
    "<!DOCTYPE a [<!ELEMENT a ANY>]>",
  ),
);
const attribute = fc
  .tuple(space, name, space, space, fc.constantFrom('"', "'"), text)
  .map(
    ([a, key, b, c, quote, value]) => ` ${a}${key}${b}=${c}${quote}${value.replaceAll(quote, "")}${quote}`,
  );
const { element } = fc.letrec<{ element: string; content: string }>((tie) => ({
  content: fc
    .array(fc.oneof({ maxDepth: 4 }, text, tie("element"), tie("element"), odd), { maxLength: 5 })
    .map((parts) => parts.join("")),
  element: fc
    .tuple(name, fc.array(attribute, { maxLength: 2 }), space, fc.boolean(), tie("content"), space)
    .map(([tag, attributes, gap, closed, inner, last]) =>
      closed && inner === ""
        ? `<${tag}${attributes.join("")}${gap}/>`
        : `<${tag}${attributes.join("")}${gap}>${inner}</${tag}${last}>`,
    ),
}));
export const document = fc
  .tuple(
    fc.constantFrom("", '<?xml version="1.0" encoding="UTF-8"?>\n', "<!DOCTYPE a>", " \r\n"),
    element,
    space,
  )
  .map((parts) => parts.join(""));
/** Cut off, with a piece taken out, put in or doubled. */
export const broken = fc
  .tuple(
    document,
    fc.nat(400),
    fc.nat(6),
    fc.constantFrom("", "<", ">", "/", "</", "&", '"', "'", "=", " ", "<a", "]]>", "?"),
  )
  .map(([whole, at, length, piece]) => {
    const from = at % (whole.length + 1);
    return piece === "" && length === 0
      ? whole.slice(0, from)
      : whole.slice(0, from) + piece + whole.slice(from + length);
  });
export const noise = fc
  .array(
    fc.constantFrom(
      "<",
      ">",
      "/",
      "</",
      "a",
      "b",
      "=",
      '"',
      "'",
      " ",
      "\n",
      "&amp;",
      "&",
      "?",
      "!",
      "-",
      "<a>",
      "</a>",
    ),
    {
      maxLength: 20,
    },
  )
  .map((parts) => parts.join(""));
