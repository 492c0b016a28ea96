import type { FoundSchedulers, Scheduler } from "../core/schedulers.ts";
import { cronSchedulers } from "../host/cron-tables.ts";
import { lookForProcesses } from "../host/process-list.ts";
import { unitSchedulers } from "../host/systemd-units.ts";

/** What starts backups on a host: its units, lines of cron, and daemons that no unit has started. */
export async function schedulersOf(root: string, proc: string): Promise<FoundSchedulers> {
  const [units, cron, processes] = await Promise.all([
    // systemd tells of the host that we run on, and of no other.
    root === "/" ? unitSchedulers() : [],
    cronSchedulers(root),
    lookForProcesses(proc),
  ]);
  const served = new Set(units.map(({ pid }) => pid));
  const byHand = processes.daemons
    .filter((pid) => !served.has(pid))
    .map((pid): Scheduler => ({ kind: "process", name: `process ${pid}`, enabled: false, active: true }));
  return { schedulers: [...units, ...cron, ...byHand], cronRuns: processes.cronRuns };
}
