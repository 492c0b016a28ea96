/** What an XML answer is made of. A Date becomes ISO 8601 with milliseconds, as AWS writes it; a Map its entries; undefined is left out. */
export type XmlValue =
  | string
  | number
  | boolean
  | Date
  | undefined
  | XmlValue[]
  | ReadonlyMap<string, string>
  | WrittenXml
  | { [name: string]: XmlValue };

/** What is XML already: things that come by the thousand are written as such. */
export class WrittenXml {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are meant
const special = /[&<>"\u0000-\u0008\u000b-\u001f]/;

/** Text as it may stand between two tags. Characters that XML 1.0 cannot carry are written as references, carriage returns too. */
export function escapeXml(text: string): string {
  if (!special.test(text)) return text;
  return (
    text
      .replace(/[&<>"]/g, (character) => escapes[character] ?? character)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are meant
      .replace(/[\u0000-\u0008\u000b-\u001f]/g, (character) => `&#x${character.charCodeAt(0).toString(16)};`)
  );
}

/**
 * The inside of an element.
 * @param item the name of each element of a list: `item` for EC2, `member` for the other query services.
 */
export function toXml(value: XmlValue, item: "item" | "member"): string {
  if (typeof value === "string") return escapeXml(value);
  if (value === undefined) return "";
  if (typeof value !== "object") return String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof WrittenXml) return value.text;
  let text = "";
  if (value instanceof Map) {
    for (const [key, each] of value)
      text += `<entry><key>${escapeXml(key)}</key><value>${escapeXml(each)}</value></entry>`;
    return text;
  }
  if (Array.isArray(value)) {
    for (const each of value) text += `<${item}>${toXml(each, item)}</${item}>`;
    return text;
  }
  const members = value as { [name: string]: XmlValue };
  for (const name of Object.keys(members)) {
    const each = members[name];
    if (each !== undefined) text += `<${name}>${toXml(each, item)}</${name}>`;
  }
  return text;
}
