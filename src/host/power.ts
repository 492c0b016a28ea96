import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type PowerGoal, powerGoal } from "../core/alarm-power.ts";
import { BackupError } from "../core/errors.ts";
import { systemEnvironment } from "./system-path.ts";

/** Where the system is going, as systemd has it queued. `timeout` in ms. */
export async function readPowerGoal(timeout: number): Promise<PowerGoal> {
  const words = ["list-jobs", "--plain", "--no-legend", "--no-pager"];
  try {
    const { stdout } = await promisify(execFile)("systemctl", words, { env: systemEnvironment, timeout });
    return powerGoal(stdout);
  } catch (error) {
    throw new BackupError({
      kind: "unreachable",
      doing: "ask systemd whether the system powers off",
      found: error instanceof Error ? error.message.split("\n")[0] || error.name : String(error),
      remedy: "without --on-power-off the alarms are silenced in any case",
    });
  }
}
