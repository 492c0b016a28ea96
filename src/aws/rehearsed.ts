import { awsFailure } from "./failure.ts";
import { SingleAttemptFailure } from "./single-attempt.ts";

/**
 * Sends a dry run. Whether EC2 said that it would have carried it out; false where the endpoint answered as if it had.
 * A refusal is thrown as what it is.
 */
export async function rehearsed(doing: string, send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return false;
  } catch (error) {
    const failure = awsFailure(error instanceof SingleAttemptFailure ? error.failure : error, doing);
    if (failure.code === "DryRunOperation") return true;
    throw failure;
  }
}
