import type { HookReport, RunReport, StillnessReport } from "../core/report.ts";
import { type Terminal, table } from "./terminal.ts";

/** Prints what became of the hooks and how still the point was held; of a plan, what could be reached. */
export function printStillness(report: RunReport, out: Terminal): void {
  const { stillness } = report;
  if (stillness === undefined || (stillness.hooks.length === 0 && !report.planned)) return;
  if (stillness.hooks.length > 0) {
    const rows = stillness.hooks.map((hook) => [
      hook.hook,
      hook.kind,
      words[hook.outcome],
      `${hook.ms} ms`,
      factsOf(hook),
    ]);
    for (const line of table(["HOOK", "KIND", "", "TOOK", "FACTS"], rows, out.width)) out.print(line);
  }
  out.print(sentence(stillness, report.planned));
}

const words = {
  held: "held",
  lost: "held, lost before the end",
  failed: "did not hold",
  "not-tried": "not tried",
} as const;

function factsOf({ facts }: HookReport): string {
  return Object.entries(facts)
    .map(([key, value]) => `${key}: ${value.replace(/\s+/g, " ")}`)
    .join("; ");
}

function sentence({ demanded, achieved, frozenMs, attempts }: StillnessReport, planned: boolean): string {
  if (planned) return `It can have ${achieved} consistency; demanded is ${demanded}.`;
  const frozen = frozenMs === undefined ? "nothing was frozen" : `filesystems were frozen for ${frozenMs} ms`;
  const tries = attempts === undefined ? "" : ` at attempt ${attempts}`;
  return `Held still${tries}: ${frozen}; ${achieved}-consistent, demanded ${demanded}.`;
}
