import { StartInstancesCommand, StopInstancesCommand } from "@aws-sdk/client-ec2";
import type { Connection } from "./connection.ts";
import { call } from "./discover.ts";

/** Asks for an instance to start or to stop; it does so later. */
export function instancePower(connection: Connection): {
  start(id: string, signal: AbortSignal): Promise<void>;
  stop(id: string, signal: AbortSignal): Promise<void>;
} {
  const { ec2 } = connection;
  return {
    async start(id, signal) {
      const command = new StartInstancesCommand({ InstanceIds: [id] });
      await call(connection, `start ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal }));
    },
    async stop(id, signal) {
      const command = new StopInstancesCommand({ InstanceIds: [id] });
      await call(connection, `stop ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal }));
    },
  };
}
