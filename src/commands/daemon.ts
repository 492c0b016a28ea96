import { daemonSettings, runDaemon } from "../agent/daemon.ts";
import { exitCodes } from "../core/report.ts";
import type { Execute } from "./command.ts";
import { processLog } from "./process-log.ts";

export const execute: Execute<"daemon"> = async (_, context) => {
  const { stay, stop } = context;
  const living = stay();
  const settings = await daemonSettings(living, stop);
  if (settings !== undefined) {
    const log = await processLog(context, settings.log);
    await runDaemon(log, settings, living, stop);
  }
  return { code: exitCodes.done, json: {}, print: () => undefined };
};
