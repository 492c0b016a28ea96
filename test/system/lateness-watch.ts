// Sleeps again and again until its input ends, and then tells how late it was woken at worst, in milliseconds.
import { monitorEventLoopDelay } from "node:perf_hooks";

const delays = monitorEventLoopDelay({ resolution: 1 });
process.stdin.on("end", () => {
  delays.disable();
  process.stdout.write(`${delays.max / 1e6}\n`);
});
process.stdin.resume();
delays.enable();
process.stdout.write("watching\n");
