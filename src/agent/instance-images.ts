import { failureOf, sentenceOf } from "../core/errors.ts";
import type { Listing } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Session } from "./session.ts";
import type { AgentOptions } from "./wish.ts";

/**
 * The points of images among what was listed, with their images. Only where there are some EC2 is asked for these;
 * without its answer they are shown without.
 */
export async function imagePoints(
  { images = [] }: Listing,
  session: Pick<Session, "images">,
  { log }: Pick<AgentOptions, "log">,
  signal: AbortSignal,
): Promise<readonly RecoveryPoint[]> {
  if (images.length === 0) return images;
  try {
    return await (await session.images()).identify(images, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    log("warn", `which images the points are of is not known: ${sentenceOf(failureOf(error, "ask EC2"))}`);
    return images;
  }
}
