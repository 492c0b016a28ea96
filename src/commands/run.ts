import { perform } from "../agent/perform.ts";
import { type Outcome, wishOf } from "../agent/wish.ts";
import { type MoreWords, printReports } from "../cli/run.ts";
import { terminal } from "../cli/terminal.ts";
import { exitCodeOf, exitCodes } from "../core/report.ts";
import type { Asked, Context, Execute, Result } from "./command.ts";
import { agentOptions } from "./options.ts";

/** They have most of their work in common, so they are one module. */
type Reporting = "run" | "plan" | "prune" | "forget" | "copy";

export const execute: Execute<Reporting> = async (command, context) =>
  reported(await outcomeOf(command, context), context, command.name === "run" && command.quiet === true);

/** Most runs store nothing in repositories, copy nowhere, lock nothing and make no images, and load no words for it. */
async function moreWords(reports: Outcome["reports"]): Promise<MoreWords> {
  const storing = reports.some(({ stored }) => stored !== undefined);
  const imaging = reports.some(({ image }) => image !== undefined);
  const copying = reports.some(({ copies }) => copies !== undefined);
  const locking = reports.some(({ locks }) => locks !== undefined);
  return {
    ...(storing && { stored: (await import("../cli/stored-run.ts")).printStored }),
    ...(imaging && { image: (await import("../cli/images.ts")).printImage }),
    ...(locking && { locks: (await import("../cli/locks.ts")).printLocks }),
    ...(copying && { copies: (await import("../cli/copies.ts")).printCopies }),
  };
}

async function outcomeOf(command: Asked<Reporting>, context: Context): Promise<Outcome> {
  const { stop } = context;
  const options = await agentOptions(command, context);
  switch (command.name) {
    case "run":
      if (command.last !== undefined) {
        const { lastRun } = await import("../agent/last-run.ts");
        return lastRun({ ...command.last, jobs: command.jobs }, options, stop);
      }
      return perform(wishOf(command, { capture: true, planned: command.dryRun }), options, stop);
    case "plan":
      return perform(wishOf(command, { capture: true, planned: true }), options, stop);
    case "copy":
      return perform(wishOf(command, { planned: command.dryRun, only: "copies" }), options, stop);
    case "prune": {
      const consent = command.yes ? { yes: true, noShrinkDelay: true } : {};
      return perform(wishOf(command, { planned: command.dryRun, consent }), options, stop);
    }
    case "forget": {
      const { forgettable } = await import("../agent/forgettable.ts");
      const { forgotten } = await import("../cli/forget.ts");
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
  const more = await moreWords(reports);
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
      if (!quiet || code !== exitCodes.done) printReports(reports, out, more);
      if (message !== undefined) out.print(message);
    },
  };
}
