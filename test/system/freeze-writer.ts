// Writes and syncs until its input ends; prints every long pause between two writes, in milliseconds, with the time of
// its end by this process's own clock, and at the end the longest. Who writes to its input is answered when all of them
// are printed.
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import path from "node:path";

const file = openSync(path.join(process.argv[2] ?? "", "written"), "w");
let isEnding = false;
process.stdin.on("end", () => {
  isEnding = true;
});
process.stdin.on("data", () => process.stdout.write("told\n"));
let longest = 0;
let last = performance.now();

function round(): void {
  for (let index = 0; index < 5; index++) {
    writeSync(file, "few bytes", 0);
    fsyncSync(file);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    if (now - last > 20) process.stdout.write(`${now - last} ${Date.now()}\n`);
    last = performance.now();
  }
  if (!isEnding) return void setTimeout(round, 1);
  closeSync(file);
  process.stdout.write(`${longest}\n`);
}

process.stdout.write("writing\n");
last = performance.now();
round();
