import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (
  how: { type: "minor"; execution: "sync" } | { type: "major"; execution: "sync"; flavor: "last-resort" },
) => void;

let collect: Collect | undefined;

/**
 * Gives back what nothing uses any more: of what is `young` in a few milliseconds, of `all` in some fifty. V8 does so when
 * more is asked for, which a process that only waits does never, and it does not see how much lies in buffers beside it.
 */
export function collectGarbage(what: "young" | "all"): void {
  collect ??= collector();
  if (what === "young") collect({ type: "minor", execution: "sync" });
  else collect({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** V8 shows it to what begins after the flag. */
function collector(): Collect {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  return typeof found === "function" ? (found as Collect) : () => undefined;
}
