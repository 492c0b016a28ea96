import { type SweepTold, sweep } from "../agent/sweep.ts";
import { besideBar, type ProgressBar, progressBar } from "../cli/progress.ts";
import { printSweep, unitWords } from "../cli/sweep.ts";
import { exitCodeOfSweep } from "../core/sweep-report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"sweep"> = async (command, context) => {
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

/** The bar shows how many units have ended, and what the last one to say something is at. */
export function tellOn(bar: ProgressBar): SweepTold {
  return ({ ended, units, unit, what }) => {
    const at = unit === undefined || what === undefined ? "" : `: ${unitWords(unit)}, ${what}`;
    bar.update((ended / Math.max(1, units)) * 100, `${ended} of ${units} units${at}`);
  };
}
