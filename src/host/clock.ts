import process from "node:process";
import type { Clock } from "../core/ports.ts";

/** The clock of this host. */
export const systemClock: Clock = {
  now: () => new Date(),
  elapsed,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
    }),
  random: Math.random,
};

const [firstSeconds, firstNanoseconds] = process.hrtime();

/** As `performance.now()`, for which Node would load all of its module of that name, also in a daemon that idles. */
function elapsed(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds - firstSeconds) * 1e3 + (nanoseconds - firstNanoseconds) / 1e6;
}
