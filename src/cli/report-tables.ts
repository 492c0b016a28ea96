import type { Gap } from "../core/gaps.ts";
import type { JobPage, PointPage } from "../core/report-page.ts";
import type { RunNote } from "../core/run-note.ts";
import { type Content, html, type Markup } from "./html.ts";
import {
  ageWords,
  counted,
  dayOf,
  drillWords,
  lasting,
  minute,
  placeWords,
  span,
  stateWords,
  verdictWords,
  whyWords,
} from "./report-words.ts";
import { sizeWords } from "./terminal.ts";

export function volumeTable({ volumes, stored }: JobPage): Markup {
  return html`<table class="volumes"><thead><tr><th scope="col">${stored === undefined ? "Volume" : "Content"}</th><th scope="col">Newest complete point</th><th scope="col">Promise</th><th scope="col" class="num">Points</th></tr></thead><tbody>${volumes.map(
    (one) => html`
<tr><th scope="row"><code>${one.volume}</code> <small>${placeWords(one.device, stored)}</small></th><td>${ageWords(one)}</td><td class="${one.taken ? one.verdict : ""}">${one.taken ? verdictWords[one.verdict] : "none"}</td><td class="num">${one.points}</td></tr>`,
  )}
</tbody></table>`;
}

export function gapTable(gaps: readonly Gap[]): Markup {
  return html`<table><thead><tr><th scope="col">From</th><th scope="col">Until</th><th scope="col" class="num">Without a point</th></tr></thead><tbody>${gaps.map(
    ({ from, to, seconds }) => html`
<tr><td>${minute(from)}</td><td>${to === undefined ? html`<span class="overdue">still</span>` : minute(to)}</td><td class="num">${span(seconds)}</td></tr>`,
  )}
</tbody></table>`;
}

/** What the chart shows, for who cannot see it, and what goes next. */
export function weekTable({ forecast, points }: JobPage): Content {
  if (forecast === undefined) return undefined;
  const next = points
    .flatMap((point) => (point.leaves === undefined ? [] : [{ ...point, leaves: point.leaves }]))
    .sort((a, b) => (a.leaves < b.leaves ? -1 : a.leaves > b.leaves ? 1 : a.captured < b.captured ? -1 : 1));
  const [first] = next;
  const stay = points.length - next.length;
  return html`<p>${
    first === undefined
      ? `None of today's points goes until ${dayOf(forecast.until, true)}.`
      : `Of today's points ${next.length} go until ${dayOf(forecast.until, true)}, the first on ${dayOf(first.leaves)}: that of ${minute(first.captured)}. ${stay} stay.`
  }</p>
<details><summary>The weeks as a table</summary>
<table><thead><tr><th scope="col">At</th><th scope="col" class="num">Points</th><th scope="col" class="num">Made</th><th scope="col" class="num">Removed</th><th scope="col">Oldest</th></tr></thead><tbody>${forecast.weeks.map(
    ({ at, points: there, made, removed, oldest }, index) => html`
<tr><td>${index === 0 ? "now" : dayOf(at, true)}</td><td class="num">${there}</td><td class="num">${index === 0 ? "" : made}</td><td class="num">${index === 0 ? "" : removed}</td><td>${oldest === undefined ? "" : dayOf(oldest, true)}</td></tr>`,
  )}
</tbody></table></details>`;
}

export function runTable(runs: readonly RunNote[]): Markup {
  return html`<details><summary>The runs as a table</summary>
<table><thead><tr><th scope="col">Started</th><th scope="col">Outcome</th><th scope="col" class="num">Took</th><th scope="col" class="num">Stood still</th><th scope="col">Errors</th></tr></thead><tbody>${[
    ...runs,
  ]
    .reverse()
    .map(
      ({ started, trigger, outcome, elapsedMs, frozenMs, errors, error, demanded, consistency }) => html`
<tr><td class="when">${minute(started)}${trigger !== "schedule" && html` <small>${trigger}</small>`}</td><td class="${outcome === "failed" ? "overdue" : outcome === "done" ? "" : "lesser"}">${outcome}${demanded !== undefined && html` <small>${consistency} instead of ${demanded}</small>`}</td><td class="num">${lasting(elapsedMs)}</td><td class="num">${frozenMs === undefined ? "" : lasting(frozenMs)}</td><td>${errors === 0 ? "" : `${errors}: ${error ?? ""}`}</td></tr>`,
    )}
</tbody></table></details>`;
}

/** What the last run had to tell. */
export function problemList({ problems }: JobPage): Content {
  if (problems.length === 0) return undefined;
  const words = { error: "Error", warning: "Warning", notice: "Note" } as const;
  return html`<details${problems.some(({ severity }) => severity === "error") && html` open`}><summary>What the last run told (${problems.length})</summary><ul class="findings">${problems.map(
    ({ severity, doing, found, remedy }) =>
      html`<li class="${severity}"><b>${words[severity] ?? severity}</b>${doing}: ${found}${remedy !== undefined && html`<small>${remedy}</small>`}</li>`,
  )}</ul></details>`;
}

export function recipe(job: JobPage, instance: string): Content {
  const { recipe: found, stored } = job;
  if (stored?.restore !== undefined)
    return html`<p>Bring it back with <code>${stored.restore}</code>, or look first: <code>ec2-backup restore list</code>.</p>`;
  if (found === undefined) return html`<p>There is no complete point to restore from.</p>`;
  return html`<p>${drillWords(job)}</p>
<p>From the newest complete point, of ${minute(found.captured)} (${found.consistency}-consistent), without this program:</p>
<details><summary>Commands for ${counted(found.volumes.length, "volume")}</summary>
${found.volumes.map(
  ({
    volume,
    device,
    root,
    commands,
  }) => html`<h4>${root ? `Root volume of ${instance}` : (device ?? "Device unknown")} <small><code>${volume}</code></small></h4>
<pre><code>${commands.join("\n")}</code></pre>
`,
)}<ul class="soft">${found.notes.map((note) => html`<li>${note}</li>`)}</ul></details>`;
}

/** Every point, by month; what is folded away is not laid out, so a thousand of them stay smooth. */
export function pointTables({ points, forecast }: JobPage): Content {
  const months = new Map<string, PointPage[]>();
  for (const point of points) {
    const month = point.captured.slice(0, 7);
    const list = months.get(month);
    if (list === undefined) months.set(month, [point]);
    else list.push(point);
  }
  return [
    forecast !== undefined &&
      html`<p class="soft">A point without a day to go stays until ${dayOf(forecast.until, true)} at least.</p>
`,
    [...months].map(
      (
        [month, list],
        index,
      ) => html`<details class="points"${index === 0 && list.length <= 40 && html` open`}><summary>${dayOf(`${month}-01`, true).replace(/^\S+ /, "")}: ${counted(list.length, "point")}</summary>
<table><thead><tr><th scope="col">Captured</th><th scope="col">State</th><th scope="col" class="num">Size</th><th scope="col">Kept because</th><th scope="col">Goes</th><th scope="col">Point</th></tr></thead><tbody>${list.map(pointRow)}
</tbody></table></details>
`,
    ),
  ];
}

function pointRow(point: PointPage): Markup {
  const { captured, bytes, leaves, id, lesser, state } = point;
  const look = state === "complete" ? (lesser ? "lesser" : "") : state === "pending" ? "settling" : "overdue";
  return html`
<tr><td>${minute(captured)}</td><td${look !== "" && html` class="${look}"`}>${stateWords(point)}</td><td class="num">${sizeWords(bytes)}</td><td>${whyWords(point)}</td><td>${leaves === undefined ? "" : dayOf(leaves)}</td><td><code>${id}</code></td></tr>`;
}
