import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { authorship } from "../../../src/core/install/mark.ts";
import { planInstall } from "../../../src/core/install/plan.ts";
import type { InstallFacts, InstallPlan, InstallStep, InstallWish } from "../../../src/core/install/words.ts";
import type { Scheduler } from "../../../src/core/schedulers.ts";

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

const folder = path.join(import.meta.dirname, "..", "..", "..", "systemd");
export const units = Object.fromEntries(
  readdirSync(folder)
    .filter((name) => /\.(service|timer)$/.test(name))
    .map((name) => [name, readFileSync(path.join(folder, name), "utf8")]),
);

/** A host with systemd and cron on which nothing of ours is. */
export function factsOf(change: Partial<InstallFacts> = {}): InstallFacts {
  return {
    isRoot: true,
    systemd: true,
    cronDaily: true,
    schedulers: [],
    packaged: [],
    units,
    stale: [],
    files: {},
    program: ["/usr/local/bin/node", "/usr/local/lib/node_modules/ec2-backup-agent/dist/ec2-backup.js"],
    distrust: [],
    configuration: "/etc/ec2-backup/config.yaml",
    ...change,
  };
}

export function plan(wish: Partial<InstallWish>, facts: InstallFacts): InstallPlan {
  return planInstall({ replace: false, overwrite: false, ...wish }, facts, digest);
}

/** The host after the steps of a plan, or after the first of them. */
export function hostAfter({ steps }: InstallPlan, facts: InstallFacts, count = steps.length): InstallFacts {
  let now = facts;
  for (const step of steps.slice(0, count)) now = stepped(step, now);
  return now;
}

function stepped(step: InstallStep, now: InstallFacts): InstallFacts {
  const without = (name: string) => now.schedulers.filter((one) => one.name !== name);
  switch (step.do) {
    case "write": {
      const files = { ...now.files, [step.path]: { text: step.text, by: authorship(step.text, digest) } };
      const isScript = step.path.startsWith("/etc/cron.daily");
      return {
        ...now,
        files,
        schedulers: isScript ? [...without(step.path), schedulerAt(step.path)] : now.schedulers,
      };
    }
    case "remove": {
      const { [step.path]: _, ...files } = now.files;
      return { ...now, files, schedulers: without(step.path) };
    }
    case "enable":
      return { ...now, schedulers: [...without(step.unit), schedulerAt(step.unit)] };
    case "disable":
      return { ...now, schedulers: without(step.unit) };
    case "begin-switch":
      return { ...now, unfinished: step.switching };
    case "end-switch": {
      const { unfinished: _, ...rest } = now;
      return rest;
    }
    case "reload":
      return { ...now, stale: [] };
    case "restart":
      return now;
  }
}

/** One that is enabled and at work. */
export function schedulerAt(name: string): Scheduler {
  const kind = name.startsWith("/") ? "cron" : name.endsWith(".timer") ? "timer" : "service";
  return { kind, name, enabled: true, active: true };
}
