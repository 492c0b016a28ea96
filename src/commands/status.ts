import { status } from "../agent/status.ts";
import { printStatus } from "../cli/status.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"status"> = async (command, context) => {
  const { stateDirectory } = await agentOptions(command, context);
  const found = await status(stateDirectory, context.stop);
  return { code: exitCodes.done, json: found, print: (out) => printStatus(found, new Date(), out) };
};
