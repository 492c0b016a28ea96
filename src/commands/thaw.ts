import { thawAll } from "../agent/leftovers.ts";
import { printThaw, thawExitCode } from "../cli/thaw.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"thaw"> = async (command, context) => {
  const { self } = await agentOptions(command, context);
  const report = await thawAll(self, !command.leftovers);
  return { code: thawExitCode(report), json: report, print: (out) => printThaw(report, out) };
};
