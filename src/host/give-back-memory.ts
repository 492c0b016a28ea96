import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (how: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

/**
 * Gives back what nothing uses any more. V8 does so when more is asked for, which a process that has begun and only waits
 * from then on does never.
 */
export function giveBackMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect === "function")
    (collect as Collect)({ type: "major", execution: "sync", flavor: "last-resort" });
}
