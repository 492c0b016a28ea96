/** Milliseconds: half of what a unit has to say how far it came, once it is told to stop. */
const grace = 1_000;

/**
 * A signal that follows another one a while later: what is under way, such as a set of which a part is gone, may come to
 * its end, and what hangs may not keep the rest from being told.
 */
export function afterGrace(signal: AbortSignal): { readonly signal: AbortSignal; readonly end: () => void } {
  const later = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    timer = setTimeout(() => later.abort(), grace);
  };
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin, { once: true });
  return {
    signal: later.signal,
    end() {
      signal.removeEventListener("abort", begin);
      clearTimeout(timer);
    },
  };
}
