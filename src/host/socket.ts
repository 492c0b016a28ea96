import { stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";

export type { Socket };

/** A server on this or another host. */
export type Address = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** Begins to connect. Whoever takes it must listen to its errors, and can destroy it whatever a driver does. */
export function socketTo(address: Address): Socket {
  if ("socketPath" in address) return connect(address.socketPath);
  return connect({ ...address, noDelay: true, keepAlive: true });
}

/** Whether there is a Unix socket of this name. */
export async function isSocket(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
}
