import * as alarms from "../agent/alarms.ts";
import {
  printApplied,
  printBeaten,
  printDashboard,
  printDrilled,
  printPower,
  printRemoved,
} from "../cli/alarm-results.ts";
import { printAlarmsPlan, printLacking } from "../cli/alarms.ts";
import type { Failure } from "../core/errors.ts";
import { exitCodeOfKinds, exitCodes } from "../core/report.ts";
import type { Asked, Context, Execute, Result } from "./command.ts";
import { agentOptions } from "./options.ts";

type Options = Awaited<ReturnType<typeof agentOptions>>;

export const execute: Execute<"alarms"> = async (command, context) => {
  const options = await agentOptions(command, context);
  switch (command.action) {
    case "plan":
      return plan(options, context);
    case "apply":
      return command.dryRun ? plan(options, context) : apply(options, context);
    case "remove": {
      const done = await alarms.removed(command.dryRun, options, context.stop);
      return { code: codeOf(done), json: { done }, print: (out) => printRemoved(done, out) };
    }
    case "test": {
      const found = await alarms.drilled(command.waitFor, options, context.stop);
      const good = found.drilled.length > 0 && found.drilled.every(({ told }) => told);
      const code = good && !wrong(found.topic) ? exitCodes.done : exitCodes.partlyDone;
      return { code, json: found, print: (out) => printDrilled(found.drilled, found.topic, out) };
    }
    case "pause":
    case "resume":
      return power(command, options, context);
    case "beat": {
      const told = await alarms.beaten(command.jobs, options, context.stop);
      const silent = told.some(
        ({ ageSeconds, failure }) => ageSeconds === undefined && failure === undefined,
      );
      const code = silent && codeOf(told) === exitCodes.done ? exitCodes.partlyDone : codeOf(told);
      return { code, json: { told }, print: (out) => printBeaten(told, out) };
    }
    case "dashboard":
      return dashboard(command, options, context);
  }
};

async function plan(options: Options, { stop }: Context): Promise<Result> {
  const found = await alarms.planned(options, stop);
  const code = wrong(found.topic) ? exitCodes.partlyDone : exitCodes.done;
  return { code, json: { plan: found }, print: (out) => printAlarmsPlan(found, out) };
}

async function apply(options: Options, { stop }: Context): Promise<Result> {
  const { plan: before, done, topic } = await alarms.applied(options, stop);
  const lacking = before.unmade.filter(({ remedy }) => remedy !== undefined);
  const waits = done.some(({ outcome }) => outcome === "waits" || outcome === "disabled");
  const failed = codeOf(done);
  const code =
    failed !== exitCodes.done ? failed : waits || wrong(topic) ? exitCodes.partlyDone : exitCodes.done;
  return {
    code,
    json: { done, unmade: before.unmade, notes: before.notes, ...(topic === undefined ? {} : { topic }) },
    print: (out) => {
      printApplied(done, topic, out);
      printLacking(lacking, before.notes, out);
    },
  };
}

async function power(
  command: Extract<Asked<"alarms">, { readonly action: "pause" | "resume" }>,
  options: Options,
  { stop }: Context,
): Promise<Result> {
  if (command.action === "resume") {
    const { changes } = await alarms.resumed(options, stop);
    const none = "No alarm for missed backups was silenced.";
    return { code: codeOf(changes), json: { changes }, print: (out) => printPower(changes, none, out) };
  }
  const { goal, changes } = await alarms.paused(command.onPowerOff, options, stop);
  const none =
    goal === undefined || goal === "power-off"
      ? "There is no alarm for missed backups to silence."
      : `The system does not power off (systemd: ${goal}), so the alarms stay as they are.`;
  const json = { ...(goal === undefined ? {} : { goal }), changes };
  return { code: codeOf(changes), json, print: (out) => printPower(changes, none, out) };
}

async function dashboard(
  { fleet, dryRun }: Extract<Asked<"alarms">, { readonly action: "dashboard" }>,
  options: Options,
  { stop }: Context,
): Promise<Result> {
  const drawn = await alarms.drawn({ fleet, dryRun }, options, stop);
  const { name, body, said } = drawn;
  return {
    code: exitCodes.done,
    json: { name, said, body: JSON.parse(body) as unknown },
    print: (out) => printDashboard({ ...drawn, dryRun }, out),
  };
}

function wrong(topic: { readonly findings: readonly { readonly severity: string }[] } | undefined): boolean {
  return topic?.findings.some(({ severity }) => severity === "error") ?? false;
}

/** 1 if some of it failed; all of it for one reason = the code of that. */
function codeOf(done: readonly { readonly failure?: Failure }[]): number {
  const failures = done.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  if (failures.length === 0) return exitCodes.done;
  if (failures.length < done.length) return exitCodes.partlyDone;
  return exitCodeOfKinds(failures.map(({ kind }) => kind));
}
