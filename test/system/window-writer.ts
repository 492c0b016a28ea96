// Writes and syncs until its input ends; tells each call that kept it waiting, as its beginning and end in
// milliseconds since 1970.
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import path from "node:path";

const file = openSync(path.join(process.argv[2] ?? "", "written"), "w");
let isEnding = false;
process.stdin.on("end", () => {
  isEnding = true;
});
process.stdin.resume();

function timed(call: () => void): void {
  const from = performance.now();
  call();
  const to = performance.now();
  if (to - from < 15) return;
  const [begun, ended] = [from, to].map((at) => performance.timeOrigin + at);
  process.stdout.write(`${begun} ${ended}\n`);
}

function round(): void {
  timed(() => writeSync(file, "few bytes", 0));
  timed(() => fsyncSync(file));
  if (!isEnding) return void setTimeout(round, 2);
  closeSync(file);
}

process.stdout.write("writing\n");
round();
