import type { InstanceCost, VolumeCost } from "../core/audit-cost-ports.ts";
import type { AuditedUnit, AuditFinding } from "../core/audit-ports.ts";
import type { AuditReport } from "../core/audit-report.ts";
import { headline, quotaWords, savingsWords } from "./audit.ts";
import { costWords, dollarWords, nameOf } from "./audit-cost.ts";
import { html, type Markup } from "./html.ts";
import { pageHead } from "./page-head.ts";
import { minute } from "./report-words.ts";

/** A page of tens of thousands of rows is read by nobody. */
const mostShown = 1_000;

/** The audit as one page that loads nothing and runs no script, like the report of an instance. */
export function auditPage(report: AuditReport, version: string): string {
  const asOf = report.audited[0]?.asOf ?? "";
  const serious = report.findings.filter(({ severity }) => severity !== "note");
  const notes = report.findings.filter(({ severity }) => severity === "note");
  const word = serious.some(({ severity }) => severity === "error")
    ? "failing"
    : serious.length > 0
      ? "attention"
      : "good";
  return html`${pageHead("Audit of backups")}
<body>
<header>
<h1>Audit of backups</h1>
<p class="soft">${asOf === "" ? "Nothing could be looked into." : html`As of <time datetime="${asOf}">${minute(asOf)}</time> by AWS&#39;s clock. All times are UTC.`}</p>
</header>
<main>
<div class="verdict ${word}"><p>${headline(report)}</p><p>${costWords(report)}</p><p>${savingsWords(report)}</p></div>
${units(report)}
${costs(report)}
${serious.length > 0 && html`<section aria-labelledby="attention"><h2 id="attention">What needs attention</h2><ul class="findings">${serious.slice(0, mostShown).map(finding)}</ul>${more(serious)}</section>`}
${notes.length > 0 && html`<section aria-labelledby="notes"><h2 id="notes">Notes</h2><ul class="findings">${notes.slice(0, mostShown).map(finding)}</ul>${more(notes)}</section>`}
</main>
<footer><p>Made by ec2-backup ${version}. This page is a copy of what was known then: it loads nothing, runs no script and does not update itself.</p></footer>
</body>
</html>
`.markup;
}

function more(findings: readonly AuditFinding[]): Markup | false {
  const left = findings.length - mostShown;
  return left > 0 && html`<p>and ${left} more; the JSON has all of them.</p>`;
}

function units({ units: all, audited }: AuditReport): Markup {
  const known = new Map(audited.map((one) => [one.unit.id, one]));
  return html`<section aria-labelledby="units"><h2 id="units">Accounts and Regions</h2>
<div class="wide"><table><thead><tr><th scope="col">Unit</th><th scope="col">Instances</th><th scope="col">Overdue</th><th scope="col">Volumes</th><th scope="col">Backed up</th><th scope="col">Snapshots</th><th scope="col">Quota</th><th scope="col">Audit</th></tr></thead>
<tbody>${all.map(
    ({ unit, outcome }) =>
      html`<tr><th scope="row">${unit.name === undefined ? unit.id : `${unit.name} (${unit.id})`}</th>${cells(known.get(unit.id))}<td>${outcome}</td></tr>`,
  )}</tbody></table></div></section>`;
}

function cells(of: AuditedUnit | undefined): readonly Markup[] {
  if (of === undefined) return Array.from({ length: 6 }, () => html`<td></td>`);
  const { instances, overdue, volumes, covered, snapshots } = of.totals;
  const all = [instances, overdue, volumes, covered, snapshots, quotaWords(of.headroom)];
  return all.map((count) => html`<td>${count}</td>`);
}

function costs({ cost }: AuditReport): Markup | false {
  if (cost.snapshots === 0) return false;
  const of = (
    title: string,
    all: readonly (VolumeCost | InstanceCost)[],
  ): Markup => html`<div class="wide"><table><thead><tr><th scope="col">${title}</th><th scope="col">Snapshots</th><th scope="col">GiB</th><th scope="col">A month</th></tr></thead>
<tbody>${all.map((one) => html`<tr><th scope="row">${nameOf(one)}</th><td>${one.snapshots}</td><td>${one.gib}${one.archiveGiB > 0 && html` + ${one.archiveGiB} archived`}</td><td>${dollarWords(one)}</td></tr>`)}</tbody></table></div>`;
  return html`<section aria-labelledby="costs"><h2 id="costs">What snapshots cost</h2>
${of("Volume", cost.volumes)}${cost.instances.length > 0 && of("Instance", cost.instances)}</section>`;
}

const severities = { error: "Error", warning: "Warning", note: "Note" } as const;

function finding({ severity, unit, what, why, advice, command }: AuditFinding): Markup {
  return html`<li class="${severity === "note" ? "notice" : severity}"><b>${severities[severity]}</b>${unit}: ${what}<small>${why}${advice !== undefined && `; ${advice}`}${command !== undefined && html` <code>${command}</code>`}</small></li>`;
}
