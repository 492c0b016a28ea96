import { applyInstall, installPlan } from "../agent/install.ts";
import { printInstallPlan } from "../cli/install.ts";
import { hasFailed, type InstallCheck, printInstallCheck } from "../cli/install-check.ts";
import { hasOwnSchedules } from "../config/own-schedules.ts";
import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import type { InstallPlan } from "../core/install/words.ts";
import { exitCodes } from "../core/report.ts";
import { personAt } from "./ask-at-terminal.ts";
import type { Asked, Context, Execute, Result } from "./command.ts";
import { agentOptions } from "./options.ts";

/** Milliseconds for one check of doctor. */
const deadline = 20_000;

export const execute: Execute<"install"> = async (command, context) => {
  const { host, global, stop } = context;
  if (global.config !== undefined) throw otherConfiguration();
  const { kind, replace, overwrite } = command;
  if (host.platform === "win32" && (kind ?? "windows-task") === "windows-task") {
    const { installWindows } = await import("./install-windows.ts");
    return installWindows(command, context, () => look(command, context));
  }
  if (kind === "windows-task") throw noTask(host.platform);
  const { loaded } = await agentOptions(command, context);
  const scheduled = hasOwnSchedules(loaded);
  const plan = await installPlan({ ...(kind && { kind }), replace, overwrite, scheduled }, host);
  const dryRun = command.dryRun === true;
  const person = personAt(command, context);
  const left = (why: string, shown = false, isAsked = false): Result => ({
    code: plan.obstacles.length > 0 || isAsked ? exitCodes.nothingDone : exitCodes.done,
    json: { plan, done: false },
    print(out) {
      if (!shown) printInstallPlan(plan, out, dryRun);
      out.print(`\n${why}`);
    },
  });
  if (plan.obstacles.length > 0) return left("Nothing was changed.");
  if (dryRun) return left(plan.steps.length === 0 ? "Nothing is to be done." : "Nothing was changed.");
  const isAsked = plan.steps.length > 0 && person !== undefined;
  if (plan.steps.length > 0 && !command.yes) {
    if (person === undefined) return left("Nothing was changed: add --yes.", false, true);
    const agreed = await person.agrees((out) => printInstallPlan(plan, out, false)).finally(person.end);
    if (!agreed) return left("Nothing was changed.", true);
  }
  await applyInstall(plan.steps, host, stop);
  return installed(plan, command.check ? await look(command, context) : undefined, isAsked);
};

function installed(plan: InstallPlan, check: InstallCheck | undefined, shown: boolean): Result {
  const isWrong = check !== undefined && hasFailed(check);
  return {
    code: isWrong ? exitCodes.partlyDone : exitCodes.done,
    json: { plan, done: true, ...(check && { check }) },
    print(out) {
      if (!shown) printInstallPlan(plan, out, false);
      out.print(
        `\n${out.paint("green", plan.steps.length === 0 ? "Nothing was to be done." : "Installed.")}`,
      );
      if (check !== undefined) printInstallCheck(check, out);
      if (isWrong) out.print("\nBackups will fail until this is mended; then look again: ec2-backup doctor");
    },
  };
}

/** What is to be backed up, and whether it can be, as doctor and a plan see it. */
async function look(command: Asked<"install">, context: Context): Promise<InstallCheck> {
  const { doctor } = await import("../agent/doctor.ts");
  const { perform } = await import("../agent/perform.ts");
  const { wishOf } = await import("../agent/wish.ts");
  const quiet = { ...context, global: { ...context.global, logLevel: "error" as const } };
  const options = await agentOptions(command, quiet);
  const places = { root: "/", proc: "/proc" };
  const reports = await doctor({ ...options, places, deadline, metric: false }, context.stop);
  try {
    const wish = wishOf({ jobs: [] }, { capture: true, planned: true });
    const { reports: plans, message } = await perform(wish, options, context.stop);
    return { reports, plans, ...(message !== undefined && { message }) };
  } catch (error) {
    if (context.stop.aborted) throw error;
    return { reports, plans: [], failure: sentenceOf(failureOf(error, "plan a run")) };
  }
}

function otherConfiguration(): BackupError {
  return new BackupError({
    kind: "usage",
    doing: "install with a configuration of another place",
    found: "what install starts reads /etc/ec2-backup/config.yaml",
    remedy: "put it there, and leave --config off",
  });
}

function noTask(platform: string): BackupError {
  return new BackupError({
    kind: "usage",
    doing: "register a task of Windows",
    found: `this is ${platform}`,
    remedy: "ec2-backup install --timer, --daemon or --cron-daily",
  });
}
