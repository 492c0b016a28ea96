import type { JobPage, PointPage } from "../core/report-page.ts";
import type { RunNote } from "../core/run-note.ts";
import { type Content, html, type Markup } from "./html.ts";
import { counted, dayOf, lasting, minute, placeWords } from "./report-words.ts";

/** A stretch of time, in milliseconds since the epoch. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

const day = 86_400_000;
/** Charts are stretched to the width that there is, so their own width is only a number of steps. */
const steps = 1000;

/** One path for all marks of a kind: a thousand points are a thousand strokes, not a thousand elements. */
function strokes(
  kind: string,
  times: readonly number[],
  { from, to }: Stretch,
  y: number,
  height: number,
): Markup {
  const places = new Set(
    times
      .filter((time) => time >= from && time <= to)
      .map((time) => Math.round(((time - from) / (to - from)) * steps * 10) / 10),
  );
  if (places.size === 0) return html``;
  const d = [...places].map((x) => `M${x} ${y}v${height}`).join("");
  return html`<path class="${kind}" d="${d}"/>`;
}

function bands(kind: string, spans: readonly Stretch[], { from, to }: Stretch, height: number): Markup {
  const x = (time: number) => ((Math.min(Math.max(time, from), to) - from) / (to - from)) * steps;
  const d = spans
    .filter((one) => one.to > from && one.from < to)
    .map((one) => `M${x(one.from).toFixed(1)} 0H${x(one.to).toFixed(1)}V${height}H${x(one.from).toFixed(1)}z`)
    .join("");
  return d === "" ? html`` : html`<path class="${kind}" d="${d}"/>`;
}

/** How a mark looks: its shape says the same as its colour. */
function kindOf({ state, lesser }: PointPage): keyof typeof shapes {
  if (state === "complete") return lesser ? "lesser" : "whole";
  return state === "pending" ? "pending" : "spoilt";
}

const shapes = { whole: [2, 14], lesser: [18, 2.5], pending: [2, 14], spoilt: [18, 6] } as const;
const legends = {
  whole: "complete",
  lesser: "complete, less consistent than demanded",
  pending: "not complete yet",
  spoilt: "partial or failed",
} as const;

/** A lane for each volume, a mark for each point that has a snapshot of it. Nothing where there are no points. */
export function timeline(job: JobPage, asOf: string): Content {
  const times = job.points.map(({ captured }) => Date.parse(captured));
  if (times.length === 0) return undefined;
  const now = Date.parse(asOf);
  const oldest = Math.min(...times, now - day);
  const recent = { from: Math.max(oldest, now - 42 * day), to: now };
  const older = now - oldest > 1.5 * 42 * day;
  const occurring = new Set(job.points.map(kindOf));
  const kinds = (Object.keys(shapes) as (keyof typeof shapes)[]).filter((kind) => occurring.has(kind));
  return [
    lanes(job, recent, older ? "The last six weeks" : `Since ${dayOf(new Date(oldest).toISOString(), true)}`),
    older &&
      lanes(job, { from: oldest, to: now }, `All, since ${dayOf(new Date(oldest).toISOString(), true)}`),
    html`<p class="legend">${kinds.map(
      (kind) =>
        html`<span><svg class="key" viewBox="0 0 8 24" aria-hidden="true"><path class="${kind}" d="M4 ${shapes[kind][0]}v${shapes[kind][1]}"/></svg>${legends[kind]}</span> `,
    )}${(job.gaps ?? []).length > 0 && html`<span><svg class="key" viewBox="0 0 8 24" aria-hidden="true"><path class="gap" d="M0 0h8v24h-8z"/></svg>gap longer than promised</span>`}</p>`,
  ];
}

function lanes(job: JobPage, stretch: Stretch, title: string): Markup {
  const now = stretch.to;
  const gaps = (job.gaps ?? []).map(({ from, to }) => ({
    from: Date.parse(from),
    to: to === undefined ? now : Date.parse(to),
  }));
  return html`<figure class="chart"><figcaption>${title}</figcaption>${job.volumes.map(
    ({ volume, device }) => {
      const own = job.points.filter(({ snapshots }) => snapshots.some((one) => one.volume === volume));
      const drawn = own.filter(({ captured }) => Date.parse(captured) >= stretch.from);
      const of = (kind: keyof typeof shapes) =>
        drawn.filter((point) => kindOf(point) === kind).map(({ captured }) => Date.parse(captured));
      const newest = own[0];
      const label = `${volume}: ${counted(drawn.length, "point")}${newest === undefined ? "" : `, the newest of ${minute(newest.captured)}`}; the table of points below has each`;
      return html`
<div class="lane"><span class="name"><code>${volume}</code> <small>${placeWords(device, job.stored)}</small></span><svg class="marks" viewBox="0 0 ${steps} 24" preserveAspectRatio="none" role="img" aria-label="${label}">${bands("gap", gaps, stretch, 24)}${(
        Object.keys(shapes) as (keyof typeof shapes)[]
      ).map((kind) => {
        const [y, height] = shapes[kind];
        return strokes(kind, of(kind), stretch, y, height);
      })}</svg></div>`;
    },
  )}
${axis(stretch)}</figure>
`;
}

/** Dates below the lanes, placed by percent, since text must not be stretched with the marks. */
function axis({ from, to }: Stretch): Markup {
  const withYear = new Date(from).getUTCFullYear() !== new Date(to).getUTCFullYear() && to - from > 300 * day;
  const anchors = ["start", "middle", "middle", "middle", "end"];
  return html`<div class="lane"><span></span><svg class="axis" aria-hidden="true">${anchors.map(
    (anchor, index) => {
      const iso = new Date(from + ((to - from) * index) / 4).toISOString();
      const label = to - from < 3 * day ? iso.slice(11, 16) : withYear ? iso.slice(0, 7) : dayOf(iso);
      return html`<text x="${index * 25}%" y="12" text-anchor="${anchor}">${label}</text>`;
    },
  )}</svg></div>`;
}

/** The series as it will be, a row for each week: what is there now, and what is to come. */
export function thinning(job: JobPage, asOf: string): Content {
  const { forecast } = job;
  if (forecast === undefined) return undefined;
  const now = Date.parse(asOf);
  const existing = job.points
    .filter(({ state }) => state !== "failed")
    .map(({ captured, leaves }) => ({ at: Date.parse(captured), leaves: leaves && Date.parse(leaves) }));
  const coming = forecast.expected.map(({ captured, leaves }) => ({
    at: Date.parse(captured),
    leaves: leaves && Date.parse(leaves),
  }));
  const oldest = Math.min(now - day, ...existing.map(({ at }) => at));
  const stretch = {
    from: Math.max(oldest, now - 91 * day),
    to: Math.max(Date.parse(forecast.until), now + day),
  };
  const hidden = existing.filter(({ at }) => at < stretch.from).length;
  return html`<figure class="chart"><figcaption>Which points will be there${hidden > 0 && ` (${counted(hidden, "point")} older than three months not drawn)`}</figcaption>${forecast.weeks.map(
    ({ at, points }, index) => {
      const time = Date.parse(at);
      const there = (list: typeof existing) =>
        list.filter(
          (one) => one.at <= time && (one.leaves === undefined || one.leaves === "" || one.leaves > time),
        );
      const name = index === 0 ? "now" : `in ${counted(index, "week")}`;
      return html`
<div class="lane"><span class="name">${name} <small>${dayOf(at)}: ${counted(points, "point")}</small></span><svg class="marks" viewBox="0 0 ${steps} 24" preserveAspectRatio="none" role="img" aria-label="${`${name}: ${counted(points, "point")}`}">${strokes(
        "whole",
        there(existing).map((one) => one.at),
        stretch,
        3,
        18,
      )}${strokes(
        "coming",
        there(coming).map((one) => one.at),
        stretch,
        8,
        13,
      )}${strokes("instant", [time], stretch, 0, 24)}</svg></div>`;
    },
  )}
${axis(stretch)}</figure>
<p class="legend"><span><svg class="key" viewBox="0 0 8 24" aria-hidden="true"><path class="whole" d="M4 3v18"/></svg>is there today</span> <span><svg class="key" viewBox="0 0 8 24" aria-hidden="true"><path class="coming" d="M4 8v13"/></svg>to come</span> <span><svg class="key" viewBox="0 0 8 24" aria-hidden="true"><path class="instant" d="M4 0v24"/></svg>the day itself</span></p>`;
}

/** A bar for each run. */
export function bars(
  runs: readonly RunNote[],
  title: string,
  amountOf: (run: RunNote) => number | undefined,
): Content {
  const values = runs.map((run) => amountOf(run) ?? 0);
  const top = Math.max(...values);
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined || !(top > 0)) return undefined;
  const of = (outcome: string) =>
    values
      .map((value, index) => {
        const run = runs[index];
        if (run?.outcome !== outcome || amountOf(run) === undefined) return "";
        const height = Math.max(1.5, (value / top) * 56);
        return `M${index * 10 + 1} 60v${-height.toFixed(1)}h8V60z`;
      })
      .join("");
  const outcomes = [...new Set(runs.map(({ outcome }) => outcome))];
  const width = Math.max(20, runs.length) * 10;
  const label = `${title}: ${counted(runs.length, "run")}, the highest ${lasting(top)}; the table of runs below has each`;
  return html`<figure class="chart"><figcaption>${title} <small>highest ${lasting(top)}</small></figcaption>
<svg class="bars" viewBox="0 0 ${width} 60" preserveAspectRatio="none" role="img" aria-label="${label}">${outcomes.map((outcome) => html`<path class="bar-${outcome === "done" ? "done" : outcome === "failed" ? "failed" : "degraded"}" d="${of(outcome)}"/>`)}</svg>
<p class="ends"><span>${minute(first.started)}</span><span>${minute(last.started)}</span></p></figure>`;
}
