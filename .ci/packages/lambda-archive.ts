// What a function of AWS Lambda is made of: the bundle at the top, where its runtime looks for it, and the licences.
import { zip } from "./archive.ts";
import { type Entry, entryOf, type Source } from "./source.ts";

export function lambdaArchive({ program, epoch }: Source): Buffer {
  const licences = program.filter(({ path }) => ["LICENSE", "dist/THIRD-PARTY-LICENSES.txt"].includes(path));
  const bundle = entryOf("dist/lambda/index.mjs");
  const atTop = (entry: Entry): Entry => ({ ...entry, path: entry.path.replace(/^.*\//, "") });
  // Small, and packed once: every half percent is worth it.
  return zip([bundle, ...licences].map(atTop), epoch, 9);
}
