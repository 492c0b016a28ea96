import { fleetAlarmsIn } from "../agent/fleet-alarms.ts";
import { printFleet } from "../cli/fleet-alarms.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import { exitCodeOfFleet } from "../core/fleet-report.ts";
import type { Asked, Context, Result } from "./command.ts";
import { agentOptions } from "./options.ts";
import { tellOn } from "./sweep-progress.ts";

export async function executeFleetAlarms(
  command: Asked<"sweep"> & { readonly action: "alarms" },
  context: Context,
): Promise<Result> {
  const { global, host, stop, interruptedCode } = context;
  const agent = await agentOptions(command, context);
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  try {
    const options = { ...agent, log: besideBar(agent.log, bar), tell: tellOn(bar) };
    const report = await fleetAlarmsIn(command.order, options, stop);
    const code = stop.aborted ? interruptedCode() : exitCodeOfFleet(report);
    return { code, json: { ...report }, print: (out) => printFleet(report, out) };
  } finally {
    bar.end();
  }
}
