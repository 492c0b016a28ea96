import { report } from "../agent/report.ts";
import { keepDocument } from "../agent/report-file.ts";
import { markdown } from "../cli/report-markdown.ts";
import { htmlPage } from "../cli/report-page.ts";
import { formatBytes } from "../cli/terminal.ts";
import { exitCodes } from "../core/report.ts";
import type { ReportPage } from "../core/report-page.ts";
import type { Asked, Execute } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"report"> = async (command, context) => {
  const { output } = command;
  const page = await report(command.jobs, await agentOptions(command, context), context.stop);
  const json = { report: page };
  if (output === undefined) {
    return {
      code: exitCodes.done,
      json,
      print: (out) => {
        // A page of HTML is no use to somebody who looks at a terminal.
        const onTerminal = Number.isFinite(out.width);
        out.print(documentOf(page, command.format ?? (onTerminal ? "md" : "html")).trimEnd());
      },
    };
  }
  const format = command.format ?? formatOf(output);
  const text = documentOf(page, format);
  const file = await keepDocument(output, text);
  const bytes = new TextEncoder().encode(text).length;
  return {
    code: exitCodes.done,
    json: { ...json, file, format, bytes },
    print: (out) => {
      out.print(`${page.headline}.`);
      out.print(`Wrote ${file} (${format}, ${formatBytes(bytes)}); only its owner may read it.`);
    },
  };
};

function documentOf(page: ReportPage, format: NonNullable<Asked<"report">["format"]>): string {
  if (format === "json") return `${JSON.stringify(page, null, 1)}\n`;
  return format === "md" ? markdown(page) : htmlPage(page);
}

function formatOf(file: string): NonNullable<Asked<"report">["format"]> {
  const ending = /\.(md|json)$/i.exec(file)?.[1]?.toLowerCase();
  return ending === "md" || ending === "json" ? ending : "html";
}
