import { perform } from "../agent/perform.ts";
import { type Outcome, wishOf } from "../agent/wish.ts";
import { forgotten } from "../cli/forget.ts";
import { printReports } from "../cli/run.ts";
import { terminal } from "../cli/terminal.ts";
import { exitCodeOf, exitCodes } from "../core/report.ts";
import type { Asked, Context, Execute, Result } from "./command.ts";
import { agentOptions } from "./options.ts";

/** They have most of their work in common, so they are one module. */
type Reporting = "run" | "plan" | "prune" | "forget";

export const execute: Execute<Reporting> = async (command, context) =>
  reported(await outcomeOf(command, context), context, command.name === "run" && command.quiet === true);

/** Most runs store nothing in repositories, and load no words for it. */
async function storedWords(reports: Outcome["reports"]) {
  if (reports.every(({ stored }) => stored === undefined)) return undefined;
  return (await import("../cli/stored-run.ts")).printStored;
}

async function outcomeOf(command: Asked<Reporting>, context: Context): Promise<Outcome> {
  const { stop } = context;
  const options = await agentOptions(command, context);
  switch (command.name) {
    case "run":
      return perform(wishOf(command, { capture: true, planned: command.dryRun }), options, stop);
    case "plan":
      return perform(wishOf(command, { capture: true, planned: true }), options, stop);
    case "prune": {
      const consent = command.yes ? { yes: true, noShrinkDelay: true } : {};
      return perform(wishOf(command, { planned: command.dryRun, consent }), options, stop);
    }
    case "forget": {
      const { forgettable } = await import("../agent/inquiries.ts");
      const { jobs, former } = await forgettable(command.volume, options, stop);
      const given = former.length > 0 ? { former } : {};
      const consent = { yes: true, forget: new Set([command.volume]), ...given };
      const planned = command.dryRun || !command.yes;
      const outcome = await perform(wishOf({ jobs }, { planned, consent }), options, stop);
      return {
        ...outcome,
        message: outcome.message ?? forgotten(outcome.reports, command.volume, planned),
      };
    }
  }
}

async function reported(
  { reports, message }: Outcome,
  { interruptedCode, host }: Context,
  quiet: boolean,
): Promise<Result> {
  const stored = await storedWords(reports);
  // Neither a report nor a sentence: that would be success without a word.
  const nothing = reports.length === 0 && message === undefined;
  const cut = reports.some((report) => report.problems.some((problem) => problem.kind === "interrupted"));
  const code = cut ? interruptedCode() : nothing ? exitCodes.internal : exitCodeOf(reports);
  return {
    code,
    json: { reports, ...(message === undefined ? {} : { message }) },
    print: (stdout) => {
      // Who is to be quiet has nothing to say of what went well; cron mails all that is said.
      const out = quiet ? terminal(host.stderr, false) : stdout;
      if (!quiet || code !== exitCodes.done) printReports(reports, out, stored);
      if (message !== undefined) out.print(message);
    },
  };
}
