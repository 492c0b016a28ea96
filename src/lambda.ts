import process from "node:process";
import { invoke } from "./commands/lambda.ts";

/** What Lambda hands over beside the event, as far as it is used. */
export interface LambdaContext {
  readonly getRemainingTimeInMillis: () => number;
  readonly awsRequestId: string;
  readonly invokedFunctionArn: string;
  readonly functionName: string;
}

/**
 * The function of AWS Lambda. There the runtime owns the process, with its signals, its exit and its words, so that of all
 * that main.ts does nothing is left but to hand over the environment and stdout.
 */
export function handler(event: unknown, context: LambdaContext): Promise<object> {
  const { env, platform, pid, stdout } = process;
  // There is none: what is asked for by mistake would only wait.
  env["AWS_EC2_METADATA_DISABLED"] = "true";
  const [, , , , account = ""] = context.invokedFunctionArn.split(":");
  return invoke(event, {
    env,
    platform,
    pid,
    folder: import.meta.dirname,
    remaining: () => context.getRemainingTimeInMillis(),
    requestId: context.awsRequestId,
    functionName: context.functionName,
    account,
    write: (text) => new Promise((resolve) => stdout.write(text, () => resolve())),
  });
}
