import { counted } from "../core/counted.ts";
import { type CheckReport, type Finding, type Severity, worstFirst } from "../core/finding.ts";
import { harmless } from "../core/harmless.ts";
import { type Terminal, wrapped } from "./terminal.ts";

export { exitCodeOfFindings } from "../core/finding.ts";

const paints = { error: "red", warning: "yellow", note: "dim" } as const satisfies Record<Severity, string>;
const indent = "    ";
/** What is wider is not read. */
const widest = 100;

/** Prints what was found, the worst first, each with what mends it; what could not be looked at; and a sum. */
export function printDoctor(reports: readonly CheckReport[], out: Terminal): void {
  const width = Math.min(out.width, widest);
  const findings = worstFirst(reports);
  for (const finding of findings) {
    for (const line of linesOf(finding, width, out)) out.print(line);
    out.print("");
  }
  for (const line of untestedLines(reports, width)) out.print(out.paint("dim", line));
  out.print(sumOf(findings, reports.length, out));
}

function linesOf(
  { severity, check, why, command, ...texts }: Finding & { readonly check: string },
  width: number,
  out: Terminal,
): string[] {
  // Tags, servers and files may say what they like.
  const what = harmless(texts.what);
  const advice = texts.advice === undefined ? undefined : harmless(texts.advice);
  const [first = "", ...rest] = wrapped(what, width - indent.length - severity.length - check.length - 3);
  const told = [
    ...wrapped(rest.join(" "), width - indent.length).filter((line) => line !== ""),
    ...wrapped(`why: ${why}`, width - indent.length),
    ...(advice === undefined ? [] : wrapped(`do:  ${advice}`, width - indent.length)),
  ];
  return [
    `${out.paint(paints[severity], severity)} ${out.paint("bold", check)}: ${first}`,
    ...told.map((line) => `${indent}${line}`),
    ...commandLines(harmless(command), width - indent.length - 2).map(
      (line, index) => `${indent}${index === 0 ? "$ " : "  "}${line}`,
    ),
  ];
}

/**
 * A command in lines that a shell takes as one: outside of quotes a line goes on after a backslash, and within the
 * quotes of a JSON document a line's end is white space.
 */
export function commandLines(command: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  let quoted = false;
  for (const word of command.split(" ")) {
    const fits = line === "" || line.length + word.length + 3 <= width;
    if (fits) line = line === "" ? word : `${line} ${word}`;
    else {
      lines.push(quoted ? line : `${line} \\`);
      line = word;
    }
    if ((word.match(/'/g) ?? []).length % 2 === 1) quoted = !quoted;
  }
  return [...lines, line];
}

function untestedLines(reports: readonly CheckReport[], width: number): string[] {
  const all = reports.flatMap(({ untested = [] }) => untested);
  // Several checks may miss the same ground.
  const by = Map.groupBy(all, ({ because }) => because);
  return [...by].flatMap(([because, ones]) => {
    const whats = [...new Set(ones.map(({ what }) => what))].join("; ");
    return wrapped(`Not testable: ${whats} (${because}).`, width);
  });
}

function sumOf(findings: readonly Finding[], checks: number, out: Terminal): string {
  const count = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  if (findings.length === 0) return out.paint("green", `Nothing found in ${checks} checks.`);
  const parts = (["error", "warning", "note"] as const).flatMap((severity) => {
    const number = count(severity);
    return number === 0 ? [] : [counted(number, severity)];
  });
  return `${parts.join(", ")} in ${checks} checks.`;
}

/** The document of `doctor --json`. */
export function doctorJson(reports: readonly CheckReport[]) {
  return {
    findings: worstFirst(reports),
    untested: reports.flatMap(({ check, untested = [] }) => untested.map((one) => ({ check, ...one }))),
    checks: reports.map(({ check, about, ms, findings, untested = [] }) => ({
      check,
      about,
      ms,
      findings: findings.length,
      untested: untested.length,
    })),
  };
}
