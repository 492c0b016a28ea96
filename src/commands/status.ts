import { status } from "../agent/status.ts";
import { printStatus } from "../cli/status.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";

export const execute: Execute<"status"> = async (_, { options, stop }) => {
  const found = await status(options.stateDirectory, stop);
  return { code: exitCodes.done, json: found, print: (out) => printStatus(found, new Date(), out) };
};
