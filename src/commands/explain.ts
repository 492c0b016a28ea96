import { explain } from "../agent/inquiries.ts";
import { printExplanation } from "../cli/explain.ts";
import { pointJson } from "../cli/list.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"explain"> = async (command, context) => {
  const found = await explain(command.snapshot, await agentOptions(command, context), context.stop);
  const json = { ...found, point: pointJson(found.point) };
  return { code: exitCodes.done, json, print: (out) => printExplanation(found, out) };
};
