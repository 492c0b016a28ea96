import { readdir } from "node:fs/promises";
import { type Failure, failureOf } from "../core/errors.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { ThawReport } from "../core/thaw-report.ts";
import type { HostProcess } from "./this-host.ts";

/** How long a thaw, or a guard that is told to thaw, is waited for, in milliseconds. */
const wait = 65_000;

/**
 * Thaws and unlocks what agents that died left behind. With `urge`, guards that live are told to thaw now.
 */
export async function thawAll(self: HostProcess, urge: boolean): Promise<ThawReport> {
  if (self.platform !== "linux") return { ledgers: [] };
  const { thawLeftovers } = await import("../hooks/thaw.ts");
  const undo = {
    "mongodb-fsync-lock": async (data: unknown) => {
      const { undoMongodb } = await import("../hooks/mongodb.ts");
      await undoMongodb(data, { uid: self.uid });
    },
  };
  return thawLeftovers({ runtimeDirectory: self.runtimeDirectory, wait, urge, undo });
}

/** The same before a run, as problems of its report. A host on which nothing is held still pays one look. */
export async function thawBeforeRun(self: HostProcess): Promise<readonly Problem[]> {
  const ledgers = await readdir(self.runtimeDirectory).catch(() => []);
  if (self.platform !== "linux" || ledgers.length === 0) return [];
  try {
    const report = await thawAll(self, false);
    return report.ledgers.flatMap(({ state, mounts, notes, problem }): Problem[] => {
      if (state === "in-use" || state === "earlier-boot") return [];
      const frozen = mounts.filter(({ outcome }) => outcome === "thawed" || outcome === "failed");
      const left = [...frozen.map(({ path, outcome }) => `${path} ${outcome}`), ...notes.map(noteOf)];
      const told = left.length === 0 ? [] : [leftBehind(left.join(", "))];
      return [...(problem === undefined ? [] : [problem]), ...told].map((one) => problemOf("error", one));
    });
  } catch (error) {
    return [problemOf("error", failureOf(error, "thaw what an earlier run left frozen"))];
  }
}

function noteOf({ name, outcome }: { readonly name: string; readonly outcome: string }): string {
  return `${name} ${outcome}`;
}

function leftBehind(found: string): Failure {
  return {
    kind: "unexpected",
    doing: "find everything thawed and unlocked",
    found: `a run before this one ended while it held still: ${found}`,
    remedy: "see the system's log for what ended it",
    code: "LeftBehind",
  };
}
