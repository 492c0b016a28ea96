import { setFlagsFromString } from "node:v8";

let spared = false;

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
