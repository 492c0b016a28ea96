import { constants } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { distrustOfOpened, placesOnTheWay } from "../core/distrust.ts";
import { look } from "./look.ts";

/** The parsed content of a file, or why nobody should go by it; neither if there is none that is JSON. */
export interface TrustedJson {
  readonly value?: unknown;
  /** A sentence. */
  readonly distrust?: string;
}

/**
 * Reads a file that decides which programs run: only if nobody but root and the agent's user could have written
 * or exchanged it. Judged and read through one handle. `uid` is the agent's user; without one (Windows) nothing
 * is judged, since mode bits mean nothing there. Never throws.
 */
export async function readTrustedJson(file: string, uid: number | undefined): Promise<TrustedJson> {
  try {
    const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) return {};
      if (uid !== undefined) {
        const places = await placesOnTheWay(path.resolve(file), look);
        const [first] = distrustOfOpened(places, stats, [{ uid, name: "the agent's user" }]);
        if (first !== undefined)
          return { distrust: `${first.path} should be ${first.expected}, but has ${first.found}` };
      }
      return { value: JSON.parse(await handle.readFile("utf8")) as unknown };
    } finally {
      await handle.close();
    }
  } catch {
    return {};
  }
}
