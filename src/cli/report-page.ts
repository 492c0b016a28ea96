import type { Finding, ReportPage } from "../core/report-page.ts";
import { type Content, html, type Markup } from "./html.ts";
import { pageHead } from "./page-head.ts";
import { jobSection } from "./report-job.ts";
import { minute } from "./report-words.ts";

/**
 * The report as one page that loads nothing and runs no script, and that the browser is told to keep so. All that it
 * says comes from the page's data; what came from tags and errors is escaped by the template.
 */
export function htmlPage(page: ReportPage): string {
  const { instance, asOf, agent, jobs } = page;
  const name = instance.name ?? instance.id;
  return html`${pageHead(html`Backups of ${name}, ${minute(asOf)} UTC`)}
<body>
<header>
<h1>Backups of ${name}</h1>
<p class="soft">${instance.zone === "" ? html`A host outside EC2.` : html`${instance.name !== undefined && html`<code>${instance.id}</code>, `}${instance.type} in ${instance.zone}.`} As of <time datetime="${asOf}">${minute(asOf)}</time> by ${instance.zone === "" ? "its" : html`AWS&#39;s`} clock. All times are UTC.</p>
${
  jobs.length > 1 &&
  html`<nav aria-label="Jobs"><ul>${jobs.map(({ job }, index) => html`<li><a href="#job-${index}">${job}</a></li>`)}</ul></nav>
`
}</header>
<main>
${verdict(page)}
${findings(page.findings)}
${jobs.map(jobSectionOf(page))}
</main>
<footer><p>Made by ec2-backup ${agent}. This page is a copy of what was known then: it loads nothing, runs no script and does not update itself.</p></footer>
</body>
</html>
`.markup;
}

function jobSectionOf(page: ReportPage): (job: ReportPage["jobs"][number], index: number) => Markup {
  return (job, index) => jobSection(job, index, page);
}

const verdicts = {
  good: "Nothing needs attention.",
  attention: "Something needs attention; see below.",
  failing: "Something is wrong; see below.",
} as const;

function verdict({ verdict: word, headline }: ReportPage): Markup {
  return html`<div class="verdict ${word}"><p>${headline}</p><p>${verdicts[word]}</p></div>`;
}

const severities = { error: "Error", warning: "Warning", notice: "Note" } as const;

function findings(found: readonly Finding[]): Content {
  if (found.length === 0) return undefined;
  const serious = found.filter(({ severity }) => severity !== "notice");
  const notes = found.filter(({ severity }) => severity === "notice");
  return html`<section aria-labelledby="attention"><h2 id="attention">${serious.length > 0 ? "What needs attention" : "Notes"}</h2>
${
  serious.length > 0 &&
  html`<ul class="findings">${serious.map(finding)}</ul>
`
}${
  notes.length > 0 &&
  (serious.length === 0
    ? html`<ul class="findings">${notes.map(finding)}</ul>`
    : html`<details><summary>Notes (${notes.length})</summary><ul class="findings">${notes.map(finding)}</ul></details>`)
}
</section>`;
}

function finding({ severity, job, says, remedy }: Finding): Markup {
  return html`<li class="${severity}"><b>${severities[severity]}</b>${job !== undefined && `${job}: `}${says}${remedy !== undefined && html`<small>${remedy}</small>`}</li>`;
}
