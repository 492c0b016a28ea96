import { audit } from "../agent/audit.ts";
import { keepDocument } from "../agent/report-file.ts";
import { auditJson, printAudit } from "../cli/audit.ts";
import { auditPage } from "../cli/audit-page.ts";
import { besideBar, progressBar } from "../cli/progress.ts";
import type { AuditWish } from "../cli/sweep-action.ts";
import { loadStanzas } from "../config/load-stanzas.ts";
import type { AuditOrder } from "../core/audit-order.ts";
import { exitCodeOfAudit } from "../core/audit-report.ts";
import { version } from "../version.ts";
import type { Asked, Context, Result } from "./command.ts";
import { agentOptions } from "./options.ts";
import { rulesOf } from "./retention-words.ts";
import { tellOn } from "./sweep-progress.ts";

export async function executeAudit(
  command: Asked<"sweep"> & { readonly action: "audit" },
  context: Context,
): Promise<Result> {
  const { global, host, stop, interruptedCode } = context;
  const order = await orderOf(command.order);
  const agent = await agentOptions(command, context);
  const bar = progressBar(global.json ? { write: () => undefined } : host.stderr);
  try {
    const options = { ...agent, log: besideBar(agent.log, bar), tell: tellOn(bar) };
    const report = await audit(order, options, stop);
    const code = stop.aborted ? interruptedCode() : exitCodeOfAudit(report);
    const { html } = order;
    const file = html === undefined ? undefined : await keepDocument(html, auditPage(report, version));
    return {
      code,
      json: { ...auditJson(report), ...(file === undefined ? {} : { file }) },
      print: (out) => {
        printAudit(report, out);
        if (file !== undefined) out.print(`Wrote ${file}; only its owner may read it.`);
      },
    };
  } finally {
    bar.end();
  }
}

async function orderOf({ retention, stanzas, ...wish }: AuditWish): Promise<AuditOrder> {
  return {
    ...wish,
    ...(retention === undefined ? {} : { retention: { text: retention, rules: rulesOf(retention) } }),
    ...(stanzas === undefined ? {} : { stanzas: await loadStanzas(stanzas) }),
  };
}
