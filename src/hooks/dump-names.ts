import type { DumpConfig, DumpContent, DumpStream } from "../core/dump-config.ts";
import type { StreamSource } from "../core/store-ports.ts";

/** Bytes that a file name may have on every filesystem that it could be restored to, less an ending. */
const longest = 200;

/** A name of a server as part of a series or of a file name: only letters, digits and `._-%`, no dot in front. */
export function plain(name: string): string {
  const bytes = [...new TextEncoder().encode(name)];
  return bytes
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const stays = /[\w-]/.test(character) || (character === "." && index > 0);
      return stays ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** A file name for what is called so on the server. */
export function fileOf(name: string, ending: string): string {
  const safe = plain(name);
  return `${safe.length > longest ? "dump" : safe}.${ending}`;
}

/** A stream of a dump; `part` = what tells it from others of the dump, as {@link plain} makes it. */
export function streamOf(
  { name }: DumpConfig,
  part: string | undefined,
  content: DumpContent,
  source: StreamSource,
): DumpStream {
  const { kind, format, database, collection } = content;
  return {
    series: part === undefined ? name : `${name}/${part}`,
    source,
    content,
    tags: {
      kind,
      format,
      ...(database === undefined ? {} : { database }),
      ...(collection === undefined ? {} : { collection }),
    },
  };
}

/** A stream that cannot be made: it fails when it is its turn, and the others are made all the same. */
export function failing(file: string, failure: Error): StreamSource {
  return { file, start: () => ({ done: Promise.reject(failure) }) };
}
