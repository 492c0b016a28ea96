import type { TopicPlan } from "../core/alarms-plan.ts";
import { formatSpan } from "../core/duration.ts";
import { type Failure, sentenceOf } from "../core/errors.ts";
import { printTopic } from "./alarms.ts";
import { printParagraph } from "./paragraph.ts";
import type { Terminal } from "./terminal.ts";

interface Done {
  readonly what: string;
  readonly outcome: string;
  readonly detail?: string;
  readonly failure?: Failure;
}

/** Prints what became of each alarm, topic and address. */
export function printApplied(done: readonly Done[], topic: TopicPlan | undefined, out: Terminal): void {
  for (const { what, outcome, detail, failure } of done) {
    const style =
      outcome === "failed" ? "red" : outcome === "waits" || outcome === "disabled" ? "yellow" : "green";
    const more = failure === undefined ? detail : sentenceOf(failure);
    const text = `${outcome} ${what}${more === undefined ? "" : `: ${more}`}`;
    printParagraph(text, out, { hang: 4, mark: { word: outcome, style } });
  }
  if (done.length === 0) out.print("Nothing differs; nothing was changed.");
  if (topic !== undefined) printTopic(topic, out);
}

export function printRemoved(done: readonly Done[], out: Terminal): void {
  if (done.length === 0) out.print("This instance has no alarms of ours.");
  else printApplied(done, undefined, out);
}

interface DrilledAlarm {
  readonly alarm: string;
  readonly states: readonly string[];
  readonly actions: readonly { readonly at: string; readonly summary: string; readonly succeeded: boolean }[];
  readonly told: boolean;
  readonly why?: string;
  readonly failure?: Failure;
}

/** Prints what each alarm did, and whom the topic hands it on to. */
export function printDrilled(
  drilled: readonly DrilledAlarm[],
  topic: TopicPlan | undefined,
  out: Terminal,
): void {
  if (drilled.length === 0) {
    out.print("This instance has no alarms to test. Make them: ec2-backup alarms apply");
    return;
  }
  const deaf = topic?.findings.some(({ severity }) => severity === "error") ?? false;
  for (const { alarm, states, actions, told, why, failure } of drilled) {
    const said = failure === undefined ? why : sentenceOf(failure);
    const way = states.length === 0 ? "" : ` (${states.join(", ")})`;
    const word = !told ? "not told" : deaf ? "handed over, and heard by nobody:" : "told";
    out.print(`${out.paint(told && !deaf ? "green" : "red", word)} ${alarm}${way}`);
    if (said !== undefined) out.print(`  ${said}`);
    for (const { at, summary, succeeded } of actions) {
      out.print(`  ${at} ${succeeded ? summary : out.paint("red", summary)}`);
    }
  }
  printTopic(topic, out);
  out.print("Whether a message was read nobody can tell from here: look where it should have arrived.");
}

interface Power {
  readonly alarm: string;
  readonly outcome: string;
  readonly detail?: string;
  readonly failure?: Failure;
}

/** Prints which alarms were silenced or woken. */
export function printPower(changes: readonly Power[], otherwise: string, out: Terminal): void {
  if (changes.length === 0) out.print(otherwise);
  for (const { alarm, outcome, detail, failure } of changes) {
    const more = failure === undefined ? detail : sentenceOf(failure);
    const text = out.paint(outcome === "failed" ? "red" : "green", outcome);
    out.print(`${text} ${alarm}${more === undefined ? "" : `: ${more}`}`);
  }
}

interface Told {
  readonly job: string;
  readonly ageSeconds?: number;
  readonly failure?: Failure;
}

export function printBeaten(told: readonly Told[], out: Terminal): void {
  if (told.length === 0) {
    out.print("Every job runs often enough for its own alarm; there was nothing to tell.");
  }
  for (const { job, ageSeconds, failure } of told) {
    if (failure !== undefined) out.print(`${out.paint("red", "failed")} ${job}: ${sentenceOf(failure)}`);
    else if (ageSeconds === undefined)
      out.print(`${job} has no complete point, so nothing was told; make one: ec2-backup run ${job} --wait`);
    else out.print(`${job}: told that its newest complete point is ${formatSpan(ageSeconds)} old`);
  }
}

export function printDashboard(
  {
    name,
    body,
    said,
    region,
    dollars,
    dryRun,
  }: {
    readonly name: string;
    readonly body: string;
    readonly said: readonly string[];
    readonly region: string;
    readonly dollars: number;
    readonly dryRun: boolean;
  },
  out: Terminal,
): void {
  if (dryRun) {
    out.print(JSON.stringify(JSON.parse(body), null, 2));
    return;
  }
  out.print(`Wrote the dashboard ${name} ($${dollars.toFixed(2)} a month beyond the three free ones):`);
  out.print(
    `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards/dashboard/${name}`,
  );
  for (const message of said) out.print(`${out.paint("yellow", "CloudWatch says")}: ${message}`);
}
