/** Makes the digest of a text, in hexadecimal. */
export type Digest = (text: string) => string;

/**
 * What is known of a file: `intact` as install wrote it, `changed` since then by somebody, `foreign` if install
 * never wrote it.
 */
export type Authorship = "intact" | "changed" | "foreign";

const line = /^# sha256 of all else: ([0-9a-f]{64})$/m;

/** The text with its own digest in its head, by which it is seen later whether somebody has changed it. */
export function marked(text: string, digest: Digest): string {
  const mark = `# sha256 of all else: ${digest(text)}\n`;
  // The first line of a script names its interpreter.
  const at = text.startsWith("#!") ? text.indexOf("\n") + 1 : 0;
  return `${text.slice(0, at)}${mark}${text.slice(at)}`;
}

/** Who wrote a file, by its head. */
export function authorship(text: string, digest: Digest): Authorship {
  const said = line.exec(text);
  if (said === null) return "foreign";
  const rest = `${text.slice(0, said.index)}${text.slice(said.index + said[0].length + 1)}`;
  return digest(rest) === said[1] ? "intact" : "changed";
}
