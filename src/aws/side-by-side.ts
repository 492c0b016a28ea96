/**
 * Asks for two things at once. What fails is told as if they were asked for one after the other: if both
 * fail it is the first one's failure, and once that has failed nobody waits for the second.
 */
export async function sideBySide<First, Second>(
  signal: AbortSignal,
  askFirst: (signal: AbortSignal) => Promise<First>,
  askSecond: (signal: AbortSignal) => Promise<Second>,
): Promise<[First, Second]> {
  const given = new AbortController();
  const first = askFirst(signal);
  const second = askSecond(AbortSignal.any([signal, given.signal]));
  // It may fail while only the first is listened to.
  second.catch(() => undefined);
  try {
    return [await first, await second];
  } catch (error) {
    given.abort();
    throw error;
  }
}
