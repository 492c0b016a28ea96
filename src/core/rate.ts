/** How far something was at an instant; milliseconds of a clock that never jumps. */
export interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** Milliseconds over which a rate is taken: long enough to stand still, short enough to follow. */
const span = 5_000;

/** The samples that a rate is taken from, with the newest; those too old for it are dropped. */
export function withSample(samples: readonly Sample[], newest: Sample): readonly Sample[] {
  const young = samples.filter(({ at }) => newest.at - at <= span);
  return [...(young.length === 0 ? samples.slice(-1) : young), newest];
}

/** Bytes a second; absent before there is time to measure. */
export function rateOf(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < 200) return undefined;
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
}
