import { type AdoptOrder, adopt } from "../agent/adopt.ts";
import { adoptJson, printAdopt } from "../cli/adopt.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import type { AdoptWish } from "../cli/sweep-action.ts";
import { exitCodeOfAdopt } from "../core/adopt-report.ts";
import { BackupError } from "../core/errors.ts";
import { foreignTools } from "../core/foreign-tools.ts";
import type { Asked, Context, Result } from "./command.ts";
import { agentOptions } from "./options.ts";
import { rulesOf } from "./retention-words.ts";
import { tellOn } from "./sweep-progress.ts";

export async function executeAdopt(
  command: Asked<"sweep"> & { readonly action: "adopt" },
  context: Context,
): Promise<Result> {
  const { global, host, stop, interruptedCode } = context;
  const order = orderOf(command.order);
  const agent = await agentOptions(command, context);
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  try {
    const options = { ...agent, log: besideBar(agent.log, bar), tell: tellOn(bar) };
    const report = await adopt(order, options, stop);
    const code = stop.aborted ? interruptedCode() : exitCodeOfAdopt(report);
    return { code, json: adoptJson(report), print: (out) => printAdopt(report, out) };
  } finally {
    bar.end();
  }
}

function orderOf({ from, retention, ...wish }: AdoptWish): AdoptOrder {
  const tool = foreignTools.find(({ id }) => id === from);
  if (tool === undefined)
    throw new BackupError({ kind: "usage", doing: `adopt from ${from}`, found: "there is no such tool" });
  return { ...wish, tool, ...(retention === undefined ? {} : { retention: rulesOf(retention) }) };
}
