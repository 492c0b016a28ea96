import { newRunId } from "../agent/session.ts";
import { type UpkeepWish, upkeep } from "../agent/upkeep.ts";
import { listRepositories } from "../agent/upkeep-list.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import { printRepositories, printUpkeep } from "../cli/repository.ts";
import { readRetention, retentionExamples } from "../config/retention-tag.ts";
import { BackupError } from "../core/errors.ts";
import { exitCodeOfKinds, exitCodes } from "../core/report.ts";
import { defaultRetention, type RetentionPolicy } from "../core/retention-policy.ts";
import type { StoreProgress } from "../core/store-ports.ts";
import { exitCodeOfUpkeep } from "../core/upkeep.ts";
import type { Asked, Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"repository"> = async (command, context) => {
  const { global, host, stop, interruptedCode } = context;
  const agent = await agentOptions(command, context);
  const { repositories, dryRun: planned, trigger, slot } = command;
  if (command.action === "list") {
    const listed = await listRepositories(repositories, agent, stop);
    const failures = listed.flatMap(({ failure }) => failure ?? []);
    const some = failures.length < listed.length;
    return {
      code:
        failures.length === 0
          ? exitCodes.done
          : some
            ? exitCodes.partlyDone
            : exitCodeOfKinds(failures.map(({ kind }) => kind)),
      json: { repositories: listed },
      print: (out) => printRepositories(listed, new Date(), out),
    };
  }
  if (command.action === "unlock" && command.left) {
    const { unlockLeft } = await import("../agent/unlock-left.ts");
    const { unlocked, locked } = await unlockLeft(agent, stop);
    const code = locked.length === 0 ? exitCodes.done : exitCodes.partlyDone;
    return { code, json: { unlocked, locked }, print: () => undefined };
  }
  const wish = wishOf(command);
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  try {
    const reports = await upkeep(
      wish,
      {
        ...agent,
        log: besideBar(agent.log, bar),
        repositories,
        order: { run: newRunId(), trigger, planned, ...(slot === undefined ? {} : { slot }) },
        tell: (repository, progress) => bar.update(percentOf(progress), `${progress.what} ${repository}`),
      },
      stop,
    );
    const code = stop.aborted ? interruptedCode() : exitCodeOfUpkeep(reports);
    return { code, json: { reports }, print: (out) => printUpkeep(reports, out) };
  } finally {
    bar.end();
  }
};

function wishOf(command: Exclude<Asked<"repository">, { action: "list" }>): UpkeepWish {
  switch (command.action) {
    case "unlock":
      return { action: "unlock" };
    case "init":
      return { action: "init", anew: command.anew };
    case "check":
      return { action: "check", structureOnly: command.structureOnly, removeEmpty: command.removeEmpty };
    case "mirror":
      return { action: "mirror", allHosts: command.allHosts, yes: command.yes };
    case "prune": {
      const { forget, keep, yes } = command;
      if (!forget && (keep !== undefined || yes)) throw withoutForget();
      const floor = keep === undefined ? undefined : floorOf(keep);
      return { action: "prune", ...(forget ? { forget: { yes, floor } } : {}) };
    }
  }
}

function floorOf(text: string): RetentionPolicy {
  const rules = readRetention(text);
  if ("problem" in rules)
    throw new BackupError({
      kind: "usage",
      doing: `read --keep ${text}`,
      found: rules.problem,
      remedy: `expected ${retentionExamples}`,
    });
  const { timezone, demanded, shrinkDelay } = defaultRetention;
  return { timezone, demanded, shrinkDelay, ...rules };
}

function withoutForget(): BackupError {
  return new BackupError({
    kind: "usage",
    doing: "prune repositories",
    found: "--keep and --yes are about what is forgotten, and nothing is without --forget",
    remedy: "add --forget, or leave them out",
  });
}

function percentOf({ bytesDone, bytesTotal, filesDone, filesTotal }: StoreProgress): number {
  if (bytesDone !== undefined && bytesTotal) return (bytesDone / bytesTotal) * 100;
  return filesDone !== undefined && filesTotal ? (filesDone / filesTotal) * 100 : 0;
}
