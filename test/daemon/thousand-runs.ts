// A daemon with real wake-ups and runs that are no processes lives through so many slots as it is told, in a
// time of its own that is always behind the host's, so that every wake-up comes at once. Tells its heap as JSON.
import { daemon } from "../../src/daemon/daemon.ts";
import type { Due } from "../../src/daemon/jobs.ts";
import { wakeAt } from "../../src/daemon/timetable.ts";

const runs = Number(process.argv[2]);
const warmUp = 200;
const stop = new AbortController();
const heap: number[] = [];
let now = Date.parse("2000-01-01T00:00:00Z");
let elapsed = 0;
let lastSlot = new Date(now).toISOString();
let started = 0;

function start(due: Due) {
  started += 1;
  lastSlot = due.slot.toISOString();
  if (started === warmUp || started === warmUp + runs) {
    global.gc?.();
    heap.push(process.memoryUsage().heapUsed);
  }
  if (started === warmUp + runs) stop.abort();
  return { ended: Promise.resolve(0), stop: () => undefined };
}

await daemon(
  {
    clock: {
      now: () => new Date(now),
      elapsed: () => elapsed,
      sleep: () => Promise.resolve(),
      random: Math.random,
    },
    log: () => undefined,
    readTimetable: () =>
      Promise.resolve({
        instance: "i-0123456789abcdef0",
        jobs: [
          { job: "default", schedule: "0 2 * * *", timezone: "Europe/Berlin", splay: 3_600_000, lastSlot },
        ],
      }),
    start,
    thawLeftovers: () => undefined,
    wakeAt: (instant, wake) =>
      wakeAt(instant, () => {
        elapsed += instant.getTime() - now;
        now = Math.max(now, instant.getTime());
        wake();
      }),
    notify: () => Promise.resolve(),
    uptime: () => 86_400_000,
    waits: { bootDelay: 0, stopWithin: 1_000, retryEvery: 1_000, tick: 60_000, longestTurn: 300_000 },
    onReload: () => undefined,
    hurry: new AbortController().signal,
  },
  stop.signal,
);
process.stdout.write(JSON.stringify({ started, heap }));
