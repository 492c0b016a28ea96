import { currentStatus } from "../agent/current-status.ts";
import { refreshedStatus } from "../agent/refreshed-status.ts";
import { status } from "../agent/status.ts";
import { printStatus } from "../cli/status.ts";
import { exitCodes } from "../core/report.ts";
import { needsAttention } from "../core/status.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"status"> = async (command, context) => {
  const options = await agentOptions(command, context);
  const { ask } = command;
  const now = new Date();
  const found =
    ask === "always"
      ? await refreshedStatus(options, context.stop)
      : ask === "never"
        ? await status(options, now, context.stop)
        : await currentStatus(options, now, context.stop);
  const code = needsAttention(found) ? exitCodes.partlyDone : exitCodes.done;
  return { code, json: found, print: (out) => printStatus(found, out) };
};
