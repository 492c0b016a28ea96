import { points } from "../agent/inquiries.ts";
import { pointJson, printPoints } from "../cli/list.ts";
import type { Terminal } from "../cli/terminal.ts";
import { sentenceOf } from "../core/errors.ts";
import { exitCodeOfKinds, exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"list"> = async (command, context) => {
  const { jobs } = command;
  const found = await points(jobs, await agentOptions(command, context), context.stop);
  const { problems } = found;
  const json = {
    points: found.points.map((point) => pointJson(point, found.beyond, found.copies)),
    ...(found.copies && {
      copies: found.copies.map(({ job, target: { region }, points }) => ({
        ...{ job: job.name, region },
        points: points.map((point) => pointJson(point)),
      })),
    }),
    ...(problems.length > 0 && { problems }),
  };
  const code =
    problems.length === 0
      ? exitCodes.done
      : found.points.length > 0
        ? exitCodes.partlyDone
        : exitCodeOfKinds(problems.map(({ kind }) => kind));
  const print = (out: Terminal) => {
    for (const problem of problems) out.print(`${out.paint("red", "error")}: ${sentenceOf(problem)}`);
    // What could not be looked for is not "none".
    if (problems.length === 0 || found.points.length > 0)
      printPoints(found.points, jobs, out, found.beyond, found.copies);
  };
  return { code, json, print };
};
