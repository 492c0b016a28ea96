// Writes a growing number to the beginning of the first file, waits until it is on the disk, then the same to the
// second, and so on: at any instant the first is equal to the second or one ahead.
import { fdatasyncSync, openSync, writeSync } from "node:fs";

const files = process.argv.slice(2).map((name) => openSync(name, "r+"));
const block = Buffer.alloc(4096);
process.stdout.write("writing\n");
for (let number = 1; ; number++) {
  block.writeUInt32LE(number);
  for (const file of files) {
    writeSync(file, block, 0, block.length, 0);
    fdatasyncSync(file);
  }
}
