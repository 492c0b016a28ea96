import { points } from "../agent/inquiries.ts";
import { pointJson, printPoints } from "../cli/list.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";

export const execute: Execute<"list"> = async ({ jobs }, { options, stop }) => {
  const found = await points(jobs, options, stop);
  const json = { points: found.map(pointJson) };
  return { code: exitCodes.done, json, print: (out) => printPoints(found, jobs, out) };
};
