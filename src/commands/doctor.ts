import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

/** Milliseconds for one check. */
const deadline = 20_000;

/** In one file with the other commands, so that what they share is not cut in pieces; the rest is loaded here. */
export const execute: Execute<"doctor"> = async (command, context) => {
  const { doctor } = await import("../agent/doctor.ts");
  const { doctorJson, exitCodeOfFindings, printDoctor } = await import("../cli/doctor.ts");
  const options = await agentOptions(command, context);
  const places = { root: "/", proc: "/proc" };
  const { metric, proveBinding = false } = command;
  const reports = await doctor({ ...options, places, deadline, metric, proveBinding }, context.stop);
  return {
    code: exitCodeOfFindings(reports.flatMap(({ findings }) => findings)),
    json: doctorJson(reports),
    print: (out) => printDoctor(reports, out),
  };
};
