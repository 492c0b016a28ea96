// Writes and syncs until its input ends; prints every long pause between two writes, and at the end the longest.
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import path from "node:path";

const file = openSync(path.join(process.argv[2] ?? "", "written"), "w");
let isEnding = false;
process.stdin.on("end", () => {
  isEnding = true;
});
process.stdin.resume();
let longest = 0;
let last = performance.now();

function round(): void {
  for (let index = 0; index < 5; index++) {
    writeSync(file, "few bytes", 0);
    fsyncSync(file);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    if (now - last > 20) process.stdout.write(`${now - last}\n`);
    last = performance.now();
  }
  if (!isEnding) return void setTimeout(round, 1);
  closeSync(file);
  process.stdout.write(`${longest}\n`);
}

process.stdout.write("writing\n");
last = performance.now();
round();
