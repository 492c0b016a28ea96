import { points } from "../agent/inquiries.ts";
import { pointJson, printPoints } from "../cli/list.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"list"> = async (command, context) => {
  const { jobs } = command;
  const found = await points(jobs, await agentOptions(command, context), context.stop);
  const json = { points: found.points.map((point) => pointJson(point, found.beyond)) };
  return { code: exitCodes.done, json, print: (out) => printPoints(found.points, jobs, out, found.beyond) };
};
