// Asks AWS what no documentation says, on one small instance of yours, for a few cents:
//
//   npm run live              what would be done, what it costs, which rights it needs
//   npm run live -- --policy  the policy for the instance's role, filled in
//   npm run live -- --yes     does it, and writes ec2-backup-live.json and .md
//   npm run live -- --clean   takes away what a run that was cut short has left
//
// Run it on the instance itself. It makes three volumes of 1 GiB and snapshots of these alone, tags each at birth
// and takes all of them away at its end, or at the start of the next run.
import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Cleaned, clean } from "./clean.ts";
import { Lab } from "./lab.ts";
import { costOf, livePolicy } from "./policy.ts";
import { type Answer, type Question, unasked } from "./question.ts";
import { leftOut, questions, volumesMade } from "./questions/all.ts";
import { type Asked, markdownOf, type Results, withoutAccount } from "./results.ts";

const usage = `Asks AWS on one small instance of yours what no documentation says:

  npm run live              what would be done, what it costs, which rights it needs
  npm run live -- --policy  the policy for the instance's role, filled in
  npm run live -- --yes     does it, and writes ec2-backup-live.json and .md (--output NAME)
  npm run live -- --clean   takes away what a run that was cut short has left

--only ID (may be repeated) asks one question alone.`;

const asked = flags({
  options: {
    help: { type: "boolean", short: "h", default: false },
    yes: { type: "boolean", default: false },
    clean: { type: "boolean", default: false },
    policy: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    output: { type: "string", default: "ec2-backup-live" },
    // For tests: other places, and less patience.
    sys: { type: "string", default: "/sys" },
    dev: { type: "string", default: "/dev" },
    patience: { type: "string", default: "180000" },
    pause: { type: "string", default: "2000" },
  },
} as const);

function flags<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>>["values"] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    console.error(`live: ${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(64);
  }
}

const stop = new AbortController();
const say = (text: string) => console.error(text);

async function main(): Promise<number> {
  if (asked.help) {
    console.log(usage);
    return 0;
  }
  if (process.env["CI"]) {
    say("live: this makes things in an AWS account that cost money; it never runs where CI is set");
    return 64;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupt);
  process.env["AWS_EC2_METADATA_V1_DISABLED"] = "true";
  const chosen = questions.filter(({ id }) => asked.only?.includes(id) ?? true);
  const unknown = asked.only?.filter((id) => !questions.some((one) => one.id === id)) ?? [];
  if (unknown.length > 0) {
    say(`live: no question ${unknown.join(", ")}; there are ${questions.map(({ id }) => id).join(", ")}`);
    return 64;
  }
  const lab = await open();
  try {
    if (asked.policy) {
      console.log(JSON.stringify(livePolicy(lab.identity), null, 2));
      return 0;
    }
    if (!asked.yes && !asked.clean) {
      console.log(planOf(lab, chosen));
      return 0;
    }
    const before = await clean(lab);
    tell(before, "left by an earlier run");
    if (asked.clean) return before.left.length === 0 ? 0 : 1;
    return await askAll(lab, chosen);
  } finally {
    lab.close();
  }
}

/** The first ends the questions, and what was made is taken away; the second ends that too. */
function interrupt(): void {
  if (stop.signal.aborted) process.exit(130);
  say("live: told to stop; taking away what was made (once more, and it stays until --clean)");
  stop.abort();
}

async function open(): Promise<Lab> {
  const { sys, dev, patience, pause } = asked;
  const run = randomUUID();
  const numbers = { patience: Number(patience), pause: Number(pause) };
  return Lab.open({ run, sys, dev, ...numbers, signal: stop.signal });
}

function planOf({ identity }: Lab, chosen: readonly Question[]): string {
  return [
    `On ${identity.instanceId} in ${identity.region} (${identity.zone}), about ten minutes:`,
    "",
    ...chosen.map(({ id, asks, how }) => `  ${id}\n      ${asks}\n      by ${how}`),
    "",
    "Not asked:",
    ...leftOut.map(({ what, why }) => `  ${what}: ${why}`),
    "",
    `Makes ${volumesMade} volumes of 1 GiB, attached here and detached again; at most 6 snapshots of these; 1 alarm.`,
    "No other volume is captured, changed or read.",
    `Cost: ${costOf(volumesMade).text}.`,
    "Rights: the policy of `npm run live -- --policy`, alone, on the role of this instance.",
    "",
    "`npm run live -- --yes` does it.",
  ].join("\n");
}

async function askAll(lab: Lab, chosen: readonly Question[]): Promise<number> {
  const began = new Date().toISOString();
  const answers: Asked[] = [];
  for (const question of chosen) {
    if (stop.signal.aborted) break;
    const { id, asks, how, assumes } = question;
    const from = performance.now();
    const answer = await answerTo(question, lab);
    answers.push({ id, asks, how, assumes, ...answer, ms: Math.round(performance.now() - from) });
    say(`${answer.verdict.padEnd(18)} ${id}: ${answer.got}`);
  }
  const cleaned = await clean(lab);
  tell(cleaned, "made by this run");
  await write(lab, { answers, cleaned, began });
  if (stop.signal.aborted) return 130;
  if (cleaned.left.length > 0) return 1;
  return answers.some(({ verdict }) => verdict === "differs") ? 3 : 0;
}

async function answerTo(question: Question, lab: Lab): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    const most = lab.options.patience * 2;
    timer = setTimeout(() => resolve(unasked(`no answer within ${most / 1_000} s`)), most);
  });
  try {
    return await Promise.race([question.ask(lab), late]);
  } catch (error) {
    return unasked(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  } finally {
    clearTimeout(timer);
  }
}

function tell({ gone, left }: Cleaned, what: string): void {
  if (gone.length > 0) say(`taken away, ${what}: ${gone.join(", ")}`);
  for (const { id, why } of left) say(`STILL THERE, ${what}: ${id} (${why}); try again with --clean`);
}

async function write(lab: Lab, part: Pick<Results, "answers" | "cleaned" | "began">): Promise<void> {
  const manifest = path.join(import.meta.dirname, "../../package.json");
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version: string };
  const results: Results = {
    version: 1,
    run: lab.options.run,
    agent: version,
    ended: new Date().toISOString(),
    region: lab.identity.region,
    partition: lab.identity.partition,
    node: process.versions.node,
    kernel: os.release(),
    leftOut,
    ...part,
  };
  const json = withoutAccount(JSON.stringify(results, null, 2), lab.identity);
  await writeFile(`${asked.output}.json`, `${json}\n`);
  await writeFile(`${asked.output}.md`, withoutAccount(markdownOf(results), lab.identity));
  say(`written: ${asked.output}.json and ${asked.output}.md, without the number of your account`);
}

void main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say(`live: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 2;
  },
);
