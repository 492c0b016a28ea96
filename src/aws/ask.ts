import { withDeadline } from "./deadline.ts";
import { awsFailure } from "./failure.ts";

/** Sends a request with a deadline over all its attempts, in ms; turns what fails into our errors. */
export async function askAws<T>(
  ms: number,
  signal: AbortSignal,
  doing: string,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await withDeadline(ms, signal, doing, send);
  } catch (error) {
    throw awsFailure(error, doing);
  }
}
