import { points } from "../agent/inquiries.ts";
import { pointJson, printPoints } from "../cli/list.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"list"> = async (command, context) => {
  const { jobs } = command;
  const found = await points(jobs, await agentOptions(command, context), context.stop);
  const json = { points: found.map(pointJson) };
  return { code: exitCodes.done, json, print: (out) => printPoints(found, jobs, out) };
};
