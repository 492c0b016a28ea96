/** Waits so many milliseconds, whatever happens meanwhile; keeps the process. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
