import type { MachineRecipe, UserDataFacts } from "./machine-recipe.ts";
import { maxTagValue } from "./manifest.ts";

/** So many tags may hold recorded user data. */
export const maxContentTags = 8;

/**
 * The recipe as tag values of at most 256 characters: words `key=value` of EC2's tag characters. The first value
 * says how many there are and has a checksum, so that what was changed or lost meanwhile is told.
 */
export function encodeMachine(machine: MachineRecipe, userData: UserDataFacts | undefined): string[] {
  const words = wordsOf(machine, userData);
  const values: string[] = [];
  // Room for the head.
  let value = " ".repeat(headLength);
  for (const word of words) {
    if (value.length + 1 + word.length > maxTagValue) {
      values.push(value);
      value = word;
    } else value = value === "" ? word : `${value} ${word}`;
  }
  values.push(value);
  const head = `of=${values.length} sum=${sumOf(words)}`;
  return values.map((one, index) => (index === 0 ? `${head}${one.slice(headLength)}` : one));
}

const headLength = "of=99 sum=00000000".length;
/** Longer values come in several words of the same key. */
const longest = 200;

function wordsOf(machine: MachineRecipe, userData: UserDataFacts | undefined): string[] {
  const words: string[] = [];
  const put = (key: string, value: string | number | boolean | undefined): void => {
    if (value === undefined || value === "") return;
    const text = escaped(typeof value === "boolean" ? String(Number(value)) : String(value));
    for (let at = 0; at < text.length; at += longest) words.push(`${key}=${text.slice(at, at + longest)}`);
  };
  put("type", machine.type);
  put("arch", machine.architecture);
  put("boot", machine.bootMode);
  put("image", machine.image);
  put("platform", machine.platform);
  put("usage", machine.usage);
  put("codes", machine.codes?.join("+"));
  put("subnet", machine.subnet);
  put("groups", machine.groups?.join("+"));
  put("profile", machine.profile);
  put("key", machine.keyName);
  put("ena", machine.ena);
  put("sriov", machine.sriov);
  put("ebsopt", machine.ebsOptimized);
  put("tpm", machine.tpm);
  put("tenancy", machine.tenancy);
  put("root", machine.rootDevice);
  const { tokens, hops, endpoint, ipv6, tags } = machine.metadata ?? {};
  if (machine.metadata !== undefined) put("imds", [tokens, hops, endpoint, ipv6, tags].join("+"));
  put("ud", userData && (userData.length === 0 ? "none" : `${userData.length}+${userData.sha256}`));
  return words;
}

/** EC2 allows letters, digits, spaces and `+-=._:/@`; `@` begins a byte in hex here, and spaces part words. */
function escaped(text: string): string {
  return [...new TextEncoder().encode(text)]
    .map((byte) => {
      const sign = String.fromCharCode(byte);
      return /[\w+\-=.:/]/.test(sign) ? sign : `@${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

/** FNV-1a: it tells accidents, not intent. */
export function sumOf(words: readonly string[]): string {
  let sum = 0x811c9dc5;
  for (const sign of words.join(" ")) sum = Math.imul(sum ^ sign.charCodeAt(0), 0x01000193) >>> 0;
  return sum.toString(16).padStart(8, "0");
}
