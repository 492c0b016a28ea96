import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/**
 * Gives back what answers of megabytes have left behind. V8 would let hundreds of MB of them lie before it looks, and
 * would widen the room for what is new to a multiple of it; where a sweep runs beside other things, that is too much.
 */
export function freeMemory(): void {
  if (collect === undefined) {
    setFlagsFromString("--semi-space-growth-factor=1");
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
