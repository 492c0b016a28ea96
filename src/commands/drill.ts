import { drilled } from "../agent/drill.ts";
import { printDrills } from "../cli/drill.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import { progressLabel } from "../cli/restore-result.ts";
import { exitCodeOfDrills } from "../core/drill-report.ts";
import type { Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"drill"> = async (command, context) => {
  const { global, host, stop, interruptedCode } = context;
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  const { drills, point, trigger, slot, dryRun: planned } = command;
  const order = { drills, trigger, planned, ...(point && { point }), ...(slot && { slot }) };
  try {
    const agent = await agentOptions(command, context);
    const options = {
      ...agent,
      log: besideBar(agent.log, bar),
      hostZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      tell: (progress: Parameters<typeof progressLabel>[0]) =>
        bar.update(progress.percent, progressLabel(progress)),
    };
    const answer = await drilled(order, options, stop);
    const cut = stop.aborted || answer.reports.some(({ problems }) => problems.some(isCut));
    const code = cut ? interruptedCode() : exitCodeOfDrills(answer.reports);
    return { code, json: { ...answer }, print: (out) => printDrills(answer, out) };
  } finally {
    bar.end();
  }
};

function isCut({ kind }: { readonly kind: string }): boolean {
  return kind === "interrupted";
}
