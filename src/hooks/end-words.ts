import type { ChildEnd } from "../host/command-child.ts";

/** So much of an output's end is told in a failure. */
const mostLines = 10;
const mostCharacters = 2_000;

/** The end of what a program printed. Secrets must be out of it: of half of one nobody would know that it is one. */
export function lastOf(lines: readonly string[]): string {
  const characters = [...lines.slice(-mostLines).join(" | ")];
  return characters.length > mostCharacters
    ? `...${characters.slice(-mostCharacters).join("")}`
    : characters.join("");
}

/** Why a program was told to end, and how it took that. */
export function stoppedWords(why: string, how: NonNullable<ChildEnd<string>["stopped"]>["how"]): string {
  if (how === "ended") return `${why}; it was told to end and did`;
  if (how === "killed") return `${why}; it did not heed SIGTERM and was killed`;
  return `${why}; it could not even be killed and is still there`;
}
