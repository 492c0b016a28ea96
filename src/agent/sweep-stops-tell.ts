import type { OpenUnit } from "../aws/sweep-units.ts";
import { failureOf } from "../core/errors.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { stopsNotice } from "../core/stops-notice.ts";
import type { UnitSwept } from "../core/sweep-report.ts";
import { stoppedMetric } from "../core/sweep-stop.ts";
import { publishCounts, settingsOf, tellTopic } from "./audit-tell.ts";
import type { AgentOptions } from "./wish.ts";

type Options = Pick<AgentOptions, "loaded" | "self" | "version">;

/**
 * Tells how many instances are off since a sweep has stopped them, as a metric and, where there are any, as a message.
 * What cannot be told is a warning: it changes nothing of what was done.
 */
export async function tellStops(
  place: OpenUnit,
  run: string,
  swept: UnitSwept,
  options: Options,
): Promise<readonly Problem[]> {
  const down = swept.stops?.down.length ?? 0;
  const left = swept.stops?.left.length ?? 0;
  // Of what was left to another sweep nothing is known: a zero would silence the alarm that the other one rang.
  const isKnown = down > 0 || left === 0;
  const ways = [
    ...(isKnown && settingsOf(options).metrics.enabled
      ? [publishCounts(place, { [stoppedMetric]: down }, options)]
      : []),
    ...(down === 0 ? [] : [tellTopic(stopsNotice(place.unit, swept, run, options.version), run, options)]),
  ];
  const told = await Promise.allSettled(ways);
  return told.flatMap((one) =>
    one.status === "fulfilled"
      ? []
      : problemOf("warning", failureOf(one.reason, "tell of instances that a sweep has stopped")),
  );
}
