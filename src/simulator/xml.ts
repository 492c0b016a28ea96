/** What an XML answer is made of. A Date becomes ISO 8601 with milliseconds, as AWS writes it; a Map its entries; undefined is left out. */
export type XmlValue =
  | string
  | number
  | boolean
  | Date
  | undefined
  | XmlValue[]
  | ReadonlyMap<string, string>
  | { [name: string]: XmlValue };

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as it may stand between two tags. Characters that XML 1.0 cannot carry are written as references, carriage returns too. */
export function escapeXml(text: string): string {
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
  if (value === undefined) return "";
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Map) {
    const entry = ([key, each]: [string, string]) =>
      `<entry><key>${escapeXml(key)}</key><value>${escapeXml(each)}</value></entry>`;
    return [...value].map(entry).join("");
  }
  if (Array.isArray(value)) return value.map((each) => `<${item}>${toXml(each, item)}</${item}>`).join("");
  if (typeof value !== "object") return escapeXml(String(value));
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => `<${name}>${toXml(each, item)}</${name}>`)
    .join("");
}
