import { setFlagsFromString } from "node:v8";
import { collectGarbage } from "./collect-garbage.ts";

/** Between two full collections. With twice as many V8 keeps tens of MiB of empty pages; with fewer it does little else. */
const pagesBetween = 5;
let spared = false;
let pages = 0;

/**
 * For what reads much and keeps little of it. Left to itself V8 widens the room for what is new to a multiple of what is
 * kept, and lets old space grow to twice of that before it looks: fast, and right where a process has the machine to
 * itself. A sweep runs beside other things. Both are rules of when to collect, and may be set at any time.
 */
export function spareMemory(): void {
  if (spared) return;
  spared = true;
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=5");
}

/** For each page of a long listing: what it came in is given back before the next one comes. */
export function pageRead(): void {
  pages += 1;
  collectGarbage(pages % pagesBetween === 0 ? "all" : "young");
}
