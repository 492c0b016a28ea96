import type { Connection } from "./connection.ts";
/** Sends a request of EC2 with a deadline over all its attempts. */
export type Send = <T>(
  doing: string,
  signal: AbortSignal,
  send: (ec2: Connection["ec2"], abortSignal: AbortSignal) => Promise<T>,
) => Promise<T>;
