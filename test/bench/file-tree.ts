import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const mebi = 2 ** 20;

/** Files as hosts have them: half of the bytes cannot be compressed, a quarter is text, a tenth lies in small files. */
export function makeFiles(tree: string, mib: number): void {
  mkdirSync(tree, { recursive: true });
  const small = Math.round(mib / 10);
  const text = Math.round(mib / 4);
  for (let left = mib - small - text, name = 0; left > 0; left -= 16, name += 1) {
    mkdirSync(path.join(tree, "large"), { recursive: true });
    writeFileSync(path.join(tree, "large", String(name)), randomBytes(Math.min(left, 16) * mebi));
  }
  for (let each = 0; each < text; each += 1) {
    mkdirSync(path.join(tree, "text"), { recursive: true });
    writeFileSync(path.join(tree, "text", `${each}.log`), lines(each, mebi));
  }
  makeMany(path.join(tree, "small"), small * 128, 8192);
}

/** Many files of random bytes, a hundred in a directory. */
export function makeMany(tree: string, count: number, size: number, first = 0): void {
  for (let each = first; each < first + count; each += 1) {
    const directory = path.join(tree, String(Math.floor(each / 100)));
    if (each % 100 === 0 || each === first) mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, `file-${each}`), randomBytes(size));
  }
}

function lines(number: number, size: number): string {
  let text = "";
  for (let each = 0; text.length < size; each += 1)
    text += `2026-11-01T02:${each % 60} host-${number} service[${each}]: request ${(each * 2_654_435_761) >>> 0} done\n`;
  return text.slice(0, size);
}
