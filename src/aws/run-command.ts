import { GetCommandInvocationCommand, SendCommandCommand, SSMClient } from "@aws-sdk/client-ssm";
import { BackupError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { awsFailure, awsFailureOfUnrepeatable } from "./failure.ts";

/** What a document of Systems Manager is to do on one instance. */
interface RunOrder {
  readonly instanceId: string;
  readonly document: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly comment: string;
}

/** How a command stands. `ended` is absent while it runs. */
export interface RunState {
  readonly ended?: "success" | "failed";
  /** Systems Manager's words: `Success`, `Delivery Timed Out`, and what the command complained of. */
  readonly said: string;
}

/** Run Command of Systems Manager. */
export interface RunCommand {
  /**
   * Sends a command once, and gives its id. A failure of kind `unknown-outcome` may have started it; every other
   * kind has not.
   */
  send(order: RunOrder): Promise<string>;
  /** Throws a BackupError; a command that is not known yet is one that runs. */
  look(id: string, instanceId: string, signal: AbortSignal): Promise<RunState>;
}

/** Seconds within which the instance's agent must have fetched the command; the least that is allowed. */
const deliveredWithin = 30;

/** Reached beside EC2, with the credentials and the connection that are already there. */
export function connectRunCommand({ ec2, requestTimeout }: Connection): RunCommand {
  const { region, credentials, requestHandler, customUserAgent } = ec2.config;
  const agent = customUserAgent === undefined ? {} : { customUserAgent };
  // SendCommand has no client token: what is sent twice runs twice.
  const ssm = new SSMClient({ region, credentials, requestHandler, maxAttempts: 1, ...agent });
  return {
    async send({ instanceId, document, parameters, comment }) {
      const doing = `run ${document} on ${instanceId}`;
      const Parameters = Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, [value]]));
      const command = new SendCommandCommand({
        DocumentName: document,
        InstanceIds: [instanceId],
        Parameters,
        TimeoutSeconds: deliveredWithin,
        Comment: comment.slice(0, 100),
      });
      // Telling the run to stop must not leave the outcome unknown.
      const unstoppable = new AbortController().signal;
      try {
        const { Command } = await withDeadline(requestTimeout, unstoppable, doing, (abortSignal) =>
          ssm.send(command, { abortSignal }),
        );
        if (Command?.CommandId !== undefined) return Command.CommandId;
      } catch (error) {
        throw awsFailureOfUnrepeatable(error, doing);
      }
      throw new BackupError({ kind: "unknown-outcome", doing, found: "the answer names no command" });
    },
    async look(id, instanceId, signal) {
      const doing = `ask what became of the command ${id}`;
      const command = new GetCommandInvocationCommand({ CommandId: id, InstanceId: instanceId });
      try {
        const found = await withDeadline(requestTimeout, signal, doing, (abortSignal) =>
          ssm.send(command, { abortSignal }),
        );
        return stateOf(found.Status ?? "", found.StatusDetails, found.StandardErrorContent);
      } catch (error) {
        const failure = awsFailure(error, doing);
        if (failure.code === "InvocationDoesNotExist") return { said: "Pending" };
        throw failure;
      }
    },
  };
}

function stateOf(status: string, details: string | undefined, complaint: string | undefined): RunState {
  const words = (complaint ?? "").trim().replace(/\s+/g, " ").slice(0, 300);
  const said = [details ?? status, words].filter((text) => text !== "").join(": ");
  if (status === "Success") return { ended: "success", said };
  if (["Cancelled", "TimedOut", "Failed"].includes(status)) return { ended: "failed", said };
  return { said };
}
