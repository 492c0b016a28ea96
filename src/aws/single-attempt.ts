import type { EC2Client } from "@aws-sdk/client-ec2";

/**
 * CreateSnapshots has no client token: a request that is sent twice makes two sets. The SDK sends a
 * request again after a 5xx, a reset or a timeout, so for this one command each failure is wrapped in
 * an error that the SDK does not recognise as worth another try. It is no `cause`, since the SDK looks
 * for reasons to retry in there too.
 */
export class SingleAttemptFailure extends Error {
  override readonly name = "SingleAttemptFailure";
  readonly failure: unknown;
  constructor(failure: unknown) {
    super("the request was sent once");
    this.failure = failure;
  }
}

const once: ReadonlySet<string> = new Set([
  "CreateImageCommand",
  "CreateSnapshotsCommand",
  "CreateSnapshotCommand",
  "CopySnapshotCommand",
]);

/** Makes the client send the commands that are not idempotent at most once. */
export function sendOnce(client: EC2Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!once.has(context.commandName ?? "")) return next(args);
      try {
        return await next(args);
      } catch (failure) {
        throw new SingleAttemptFailure(failure);
      }
    },
    // After the retry middleware of the same step, so it sees the wrapped error.
    { name: "sendOnce", step: "finalizeRequest", priority: "low" },
  );
}
