import { runDaemon } from "../agent/daemon.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";

export const execute: Execute<"daemon"> = async (_, { options, stay, stop }) => {
  await runDaemon(options, stay(), stop);
  return { code: exitCodes.done, json: {}, print: () => undefined };
};
