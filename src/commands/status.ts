import { currentStatus } from "../agent/current-status.ts";
import { refreshedStatus } from "../agent/refreshed-status.ts";
import { status } from "../agent/status.ts";
import type { AgentOptions } from "../agent/wish.ts";
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
  const drills = await drillsOf(options, found.instance, now);
  const isWell = !needsAttention(found) && drills?.troubled !== true;
  return {
    code: isWell ? exitCodes.done : exitCodes.partlyDone,
    json: drills === undefined ? found : { ...found, drills: drills.drills },
    print: (out) => {
      printStatus(found, out);
      drills?.print(out);
    },
  };
};

/** Most hosts have no drills, and load nothing of them. */
async function drillsOf(options: AgentOptions, instance: string | undefined, now: Date) {
  const { loaded } = options;
  if (loaded.ok !== true || loaded.file.config.drill === undefined || instance === undefined)
    return undefined;
  const { drillsStatus } = await import("../agent/drill-status.ts");
  const { printDrillsStatus } = await import("../cli/drill-status.ts");
  const { isTroubled } = await import("../core/drill-status.ts");
  const drills = await drillsStatus(options, instance, now);
  const print = (out: Parameters<typeof printDrillsStatus>[1]) => printDrillsStatus(drills, out);
  return { drills, troubled: drills.some(isTroubled), print };
}
