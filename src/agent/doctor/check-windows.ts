import { failureOf } from "../../core/errors.ts";
import type { CheckResult } from "../../core/finding.ts";
import { schtasksOf, windowsTaskIsThere, windowsTaskName } from "../../host/windows-task.ts";
import type { Ground } from "./ground.ts";

/** Milliseconds for the one question. */
const patience = 10_000;

/** Whether the scheduled task is there, which alone starts backups on Windows. */
export async function windowsScheduler(ground: Ground): Promise<CheckResult> {
  const { protection } = await ground.force();
  if (protection === "left-out") return { findings: [], untested: [] };
  try {
    const program = schtasksOf(ground.given.self.env);
    if (await windowsTaskIsThere({ program, timeout: patience })) return { findings: [], untested: [] };
  } catch (error) {
    const because = failureOf(error, "look for the task").found;
    return { findings: [], untested: [{ what: "what starts backups", because }] };
  }
  return {
    findings: [
      {
        severity: "error",
        what: `nothing on this host starts backups: there is no scheduled task ${windowsTaskName}`,
        why: "backups are made only when somebody types `ec2-backup run`",
        command: "ec2-backup install --windows-task",
      },
    ],
    untested: [],
  };
}
