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
  const seen =
    ask === "always"
      ? await refreshedStatus(options, context.stop)
      : ask === "never"
        ? await status(options, now, context.stop)
        : await currentStatus(options, now, context.stop);
  const found = { ...seen, notes: [...seen.notes, ...(await killedUpkeep(options))] };
  const drills = await drillsOf(options, found.instance, now);
  const upkeep = await upkeepOf(options, found.instance, now);
  const isWell = !needsAttention(found) && drills?.troubled !== true && upkeep?.troubled !== true;
  return {
    code: context.stop.aborted ? context.interruptedCode() : isWell ? exitCodes.done : exitCodes.partlyDone,
    json: { ...found, ...(drills && { drills: drills.drills }), ...(upkeep && { upkeep: upkeep.upkeep }) },
    print: (out) => {
      printStatus(found, out);
      drills?.print(out);
      upkeep?.print(out);
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

/** What a killed check may keep other hosts from. */
async function killedUpkeep(options: AgentOptions): Promise<string[]> {
  const { loaded } = options;
  if (loaded.ok !== true || loaded.file.config.repositories === undefined) return [];
  return (await import("../agent/upkeep-status.ts")).killedUpkeep(options);
}

/** Most hosts have no repositories, and load nothing of them. */
async function upkeepOf(options: AgentOptions, host: string | undefined, now: Date) {
  const { loaded } = options;
  if (loaded.ok !== true || loaded.file.config.repositories === undefined || host === undefined)
    return undefined;
  const { upkeepStatus } = await import("../agent/upkeep-status.ts");
  const { printUpkeepStatus } = await import("../cli/upkeep-status.ts");
  const { needsCare } = await import("../core/upkeep-status.ts");
  const upkeep = await upkeepStatus(options, host, now);
  const print = (out: Parameters<typeof printUpkeepStatus>[1]) => printUpkeepStatus(upkeep, out);
  return { upkeep, troubled: upkeep.some(needsCare), print };
}
