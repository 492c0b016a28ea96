import type { LastSigns } from "../core/alarm-power.ts";
import type { Told } from "../core/alarm-start.ts";
import { durationsOf, readHistory } from "../core/run-history.ts";
import type { JobState } from "../host/state.ts";

/** What this host remembers of a job that its alarms go by. A published age is told when its run ends. */
export function signsOf(
  state: JobState | undefined,
): LastSigns & Told & { readonly durations: readonly number[] } {
  const { report, newest, beat, history } = state ?? {};
  const made =
    report?.points.filter((point) => point.state !== "failed").map((point) => point.captured) ?? [];
  const captured = latest([...made, newest?.captured]);
  const told = latest([report?.series?.newestComplete === undefined ? undefined : report.finished, beat]);
  return {
    durations: durationsOf(readHistory(history).runs),
    complete: newest !== undefined,
    ...(captured === undefined ? {} : { captured }),
    ...(told === undefined ? {} : { told }),
  };
}

function latest(instants: readonly (string | undefined)[]): Date | undefined {
  const times = instants.map((one) => Date.parse(one ?? "")).filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
