import type { Readable } from "node:stream";

/** The lines of a stream, as they come; whoever reads slowly makes the writer wait. */
export async function* textLines(stream: Readable): AsyncGenerator<string, void> {
  let pieces: string[] = [];
  for await (const chunk of stream.setEncoding("utf8") as AsyncIterable<string>) {
    let from = 0;
    for (let at = chunk.indexOf("\n"); at >= 0; at = chunk.indexOf("\n", from)) {
      pieces.push(chunk.slice(from, at));
      from = at + 1;
      const line = pieces.length === 1 ? (pieces[0] ?? "") : pieces.join("");
      pieces = [];
      yield line;
    }
    if (from < chunk.length) pieces.push(chunk.slice(from));
  }
  if (pieces.length > 0) yield pieces.join("");
}
