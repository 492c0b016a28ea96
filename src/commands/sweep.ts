import { sweep } from "../agent/sweep.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import { printSweep } from "../cli/sweep.ts";
import { exitCodeOfSweep } from "../core/sweep-report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";
import { tellOn } from "./sweep-progress.ts";

export const execute: Execute<"sweep"> = async (command, context) => {
  if (command.action === "audit") {
    const { executeAudit } = await import("./sweep-audit.ts");
    return executeAudit(command, context);
  }
  if (command.action === "adopt") {
    const { executeAdopt } = await import("./sweep-adopt.ts");
    return executeAdopt(command, context);
  }
  if (command.action === "alarms") {
    const { executeFleetAlarms } = await import("./sweep-fleet-alarms.ts");
    return executeFleetAlarms(command, context);
  }
  const { global, host, stop, interruptedCode } = context;
  const agent = await agentOptions(command, context);
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  try {
    const options = { ...agent, log: besideBar(agent.log, bar), tell: tellOn(bar) };
    const report = await sweep(command.order, options, stop);
    const code = stop.aborted ? interruptedCode() : exitCodeOfSweep(report);
    return { code, json: { ...report }, print: (out) => printSweep(report, out) };
  } finally {
    bar.end();
  }
};
