import { hunksOf, lineDiff } from "../core/install/line-diff.ts";
import type { UninstallPlan, UninstallStep } from "../core/install/uninstall.ts";
import type { InstallPlan, PlannedFile } from "../core/install/words.ts";
import { type Terminal, wrapped } from "./terminal.ts";

/** What is wider is not read. */
const widest = 100;

const titles = {
  daemon: "a daemon (ec2-backup.service)",
  timer: "a daily timer (ec2-backup-run.timer)",
  "cron-daily": "a daily script of cron (/etc/cron.daily/ec2-backup)",
} as const;

/** Prints what install would do, with how files differ; with `whole` also the text of new ones. */
export function printInstallPlan(plan: InstallPlan, out: Terminal, whole: boolean): void {
  const width = Math.min(out.width, widest);
  out.print(out.paint("bold", `Backups are to be started by ${titles[plan.kind]}.`));
  if (plan.because !== undefined) for (const line of wrapped(`Why: ${plan.because}.`, width)) out.print(line);
  out.print("");
  for (const file of plan.files) printFile(file, out, whole);
  if (plan.packaged.length > 0)
    for (const line of wrapped(`The package's own: ${plan.packaged.join(", ")}`, width)) out.print(line);
  for (const step of plan.steps) if (step.do !== "write") printStep(step, out);
  for (const { what, why, command } of plan.obstacles) {
    out.print("");
    const lines = [...wrapped(what, width - 4), ...wrapped(`why: ${why}`, width - 4)];
    lines.forEach((line, index) => {
      out.print(index === 0 ? `${out.paint("red", "in the way:")} ${line}` : `    ${line}`);
    });
    out.print(`    $ ${command}`);
  }
}

const states = {
  new: "new",
  unchanged: "unchanged",
  updated: "renewed",
  overwritten: "OVERWRITTEN, also what somebody has changed",
  "changed-by-others": "changed by somebody: left as it is",
} as const;

function printFile({ path, state, text, before }: PlannedFile, out: Terminal, whole: boolean): void {
  const lines = state === "new" ? `, ${text.split("\n").length - 1} lines` : "";
  out.print(`${path}: ${states[state]}${lines}`);
  if (state === "unchanged" || (state === "new" && !whole)) return;
  for (const { sign, line } of hunksOf(lineDiff(before ?? "", text), 1)) {
    const style = sign === "+" ? "green" : sign === "-" ? "red" : "dim";
    out.print(out.paint(style, `  ${sign} ${line}`.trimEnd()));
  }
}

function printStep(step: UninstallStep, out: Terminal): void {
  const words = wordsOf(step);
  if (words !== undefined) out.print(words);
}

function wordsOf(step: UninstallStep): string | undefined {
  switch (step.do) {
    case "remove":
      return `remove ${step.path}`;
    case "remove-directory":
      return `remove ${step.path} and all that is in it`;
    case "enable":
      return `systemctl enable --now ${step.unit}`;
    case "disable":
      return `systemctl disable --now ${step.unit}`;
    case "restart":
      return `systemctl restart ${step.unit}`;
    case "reload":
      return "systemctl daemon-reload";
    case "thaw":
      return "thaw what killed runs have left frozen";
    case "write":
    case "begin-switch":
    case "end-switch":
      return undefined;
  }
}

/** Prints what uninstall would do, what stays, and what has to be known before. */
export function printUninstallPlan({ steps, left, warnings }: UninstallPlan, out: Terminal): void {
  const width = Math.min(out.width, widest);
  for (const step of steps) printStep(step, out);
  if (left.length > 0) out.print("\nThis stays:");
  for (const { path, because } of left)
    for (const [index, line] of wrapped(`${path}: ${because}`, width - 4).entries())
      out.print(`${index === 0 ? "  " : "    "}${line}`);
  for (const { what, command } of warnings) {
    out.print("");
    for (const [index, line] of wrapped(what, width - 10).entries())
      out.print(index === 0 ? `${out.paint("yellow", "warning:")} ${line}` : `    ${line}`);
    if (command !== undefined) out.print(`    $ ${command}`);
  }
}
