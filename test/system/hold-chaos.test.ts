import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Call } from "../../src/simulator/call-log.ts";
import type { Ended } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { freezeByHand, hindrance, isFrozen, thawByHand, thawedWithin } from "./freeze-lab.ts";
import { kill } from "./freeze-process.ts";
import { strike } from "./freeze-round.ts";
import { type Blow, blows, captureTakes, type Moment, moments } from "./hold-blows.ts";
import { asDisk, deadline, HoldHouse, type Seen } from "./hold-house.ts";
import { covers } from "./hold-watch.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";
import { newSets } from "./oracle.ts";
import { mariadb } from "./servers.ts";

const missing =
  hindrance ?? (!loopDisksCan || !mariadb.present ? `needs ${loopDisksNeed}, and MariaDB` : undefined);
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const rounds = soak ? 260 : 10;
/** How long the guard waits before it takes a silent agent for stopped. Milliseconds. */
const grace = 500;

let house: HoldHouse;
let stillHeals = 0;

beforeAll(async () => {
  if (missing !== undefined) return;
  console.log(`hold chaos: SEED=${seed}, ${rounds} rounds${soak ? "" : " (SOAK=1 for 260)"}`);
  house = await HoldHouse.start();
}, 60_000);

afterAll(() => house?.[Symbol.asyncDispose]());

interface Round {
  readonly blow: Blow;
  readonly moment: Moment;
  readonly delay: number;
  readonly theirs: boolean;
  /** Who thaws where nobody is left: the command, or the next run. */
  readonly rescue: "thaw" | "run";
}

/** Each blow in turn, in an order of the seed. */
function roundOf(number: number): Round {
  const chance = chanceOf(seed + number);
  const order = shuffled(blows, chanceOf(seed + Math.floor(number / blows.length)));
  const blow = order[number % blows.length] ?? expect.fail("there is no blow");
  const moment = moments[Math.floor(chance() * moments.length)] ?? expect.fail("there is no moment");
  const delay = chance() * moment.within;
  return { blow, moment, delay, theirs: chance() < 0.2, rescue: chance() < 0.5 ? "thaw" : "run" };
}

/** A run of the agent that is hit. */
interface Hit {
  readonly ended: Ended;
  readonly calls: readonly Call[];
  /** What was frozen when nobody was left to thaw it. */
  readonly abandoned: number;
  /** When what nobody was left to thaw was thawed, by the command. Milliseconds of Date.now(). */
  readonly rescued?: number;
  /** How far the simulated clock is ahead of ours. Milliseconds. */
  readonly ahead: number;
}

async function hit({ blow, moment, delay, theirs, rescue }: Round): Promise<Hit> {
  const { control } = house.stage.bench.simulator;
  const ahead = Date.parse((await control.clock({ advance: "24h" })).now) - Date.now();
  const last = control.calls().at(-1)?.number ?? 0;
  const slow = { kind: "delay", action: "CreateSnapshots", dryRun: false, ms: captureTakes } as const;
  control.faults(
    [...(blow.fault === undefined ? [] : [blow.fault]), ...(isCutOff(blow) ? [] : [slow])],
    true,
  );
  const agent = Promise.withResolvers<number>();
  const under = blow.fullLog ? ["/bin/sh", "-c", `exec "$@" 2>>${house.fullLog}`, "sh"] : [];
  const running = house.stage.bench.execute(["run", "--config", house.stage.bench.config, "--json"], {
    env: house.stage.environment(),
    under,
    onStart: agent.resolve,
  });
  let isOver = false;
  void running.then(() => {
    isOver = true;
  });
  const pid = await agent.promise;
  let abandoned = 0;
  let rescued: number | undefined;
  if (blow.strike !== undefined) {
    while (!isOver && !moment.isThere(control.calls(last))) await sleep(1);
    await sleep(delay);
    if (!isOver) {
      if (blow.strike === "end agent") kill(pid, "SIGTERM");
      else strike(blow.strike, { pid, runtime: house.stage.runtime });
    }
    if (blow.strike === "kill all") {
      await running;
      abandoned = house.frozen(theirs).length;
      if (rescue === "run") return { ended: await running, calls: await allEnded(last), abandoned, ahead };
      await thawn(abandoned);
      if (abandoned > 0) rescued = Date.now();
    }
    await thawedWithin(house.disks.map(asDisk), deadline + 1_000);
    if (blow.strike === "stop agent") {
      // Where nothing was frozen, nobody kills it but a lock's end is the server's own.
      await Promise.race([running, sleep(deadline + grace + 500)]);
      if (!isOver) kill(pid, "SIGKILL");
    }
  }
  const ended = await running;
  const calls = await allEnded(last);
  return { ended, calls, abandoned, ahead, ...(rescued === undefined ? {} : { rescued }) };
}

/** What an agent that is dead had asked for takes effect all the same, which must not be taken for the next run's. */
async function allEnded(last: number): Promise<readonly Call[]> {
  const { control } = house.stage.bench.simulator;
  // A request may have come that is not read yet.
  await sleep(20);
  const until = performance.now() + 30_000;
  while (control.calls(last).some(({ outcome }) => outcome === null)) {
    if (performance.now() > until) expect.fail("a call never ends");
    await sleep(5);
  }
  return control.calls(last);
}

/** Whether the answer to the capture never comes. */
function isCutOff({ fault }: Blow): boolean {
  return fault?.action === "CreateSnapshots" && fault.dryRun === false;
}

/** `ec2-backup thaw`, after which nothing is frozen. */
async function thawn(abandoned: number): Promise<void> {
  const { stage } = house;
  const ended = await stage.bench.execute(["thaw", "--json"], { env: stage.environment() });
  expect(ended.code, ended.stdout).toBe(0);
  const { ledgers } = JSON.parse(ended.stdout) as {
    ledgers: { mounts: { outcome: string }[] }[];
  };
  const thawed = ledgers.flatMap(({ mounts }) => mounts).filter(({ outcome }) => outcome === "thawed");
  expect(thawed.length).toBe(abandoned);
}

/** A point may be called no better than what was seen from outside while EC2 made it. */
function expectHonest({ calls, ahead }: Hit, { blow }: Round, tags: readonly string[], seen: Seen): void {
  expect(new Set(tags).size, "one word for the whole set").toBeLessThanOrEqual(1);
  const [tag = "crash"] = tags;
  if (tag === "crash") return;
  expect(isCutOff(blow), "nobody can tell of a capture that was cut off").toBe(false);
  const made = calls.filter(({ action, parameters }) => {
    return action === "CreateSnapshots" && (parameters as { DryRun?: boolean }).DryRun !== true;
  });
  const from = Date.parse(made.at(-1)?.time ?? "") - ahead;
  const during = { from, to: from + captureTakes };
  for (const [{ mount }, pauses] of seen.files)
    expect(covers(pauses, during), `${mount} stood still, since the point is called ${tag}`).toBe(true);
  if (tag === "application")
    expect(covers(seen.lock, during), "the lock was held, since it is called so").toBe(true);
}

/** The point of which a killed run left a note. */
function noted(): string | undefined {
  const { state } = house.stage.bench;
  const file = path.join(state, house.blocks.instance, "job-default.json");
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, "utf8")) as { note?: { point: string } }).note?.point;
}

/** The next run makes one whole point, tells what it found, and leaves nothing behind. */
async function expectHealed({ abandoned }: Hit, { blow, rescue }: Round): Promise<void> {
  const { stage, blocks } = house;
  const { control } = stage.bench.simulator;
  control.clearFaults();
  const note = noted();
  const before = await control.state();
  const run = await stage.run();
  expect([0, 1], run.stdout).toContain(run.code);
  const [made, ...more] = newSets(before, await control.state());
  expect(more).toEqual([]);
  expect(new Set(made?.snapshots.map(({ volumeId }) => volumeId)).size).toBe(blocks.members.length);
  const told = run.report.problems.map(({ code, found }) => `${code} ${found}`);
  if (run.tagged.every((tag) => tag === "application")) stillHeals += 1;
  // As where the machine is too slow for the deadline.
  else expect(told.join("\n"), "what is less is told").toContain("LessConsistent");
  const left = told.filter((one) => one.startsWith("LeftBehind"));
  expect(left.length, told.join("\n")).toBe(abandoned > 0 && rescue === "run" ? 1 : 0);
  if (note !== undefined) expect(told.join("\n")).toContain(note);
  if (run.code === 1) expect(run.report.problems.some(({ severity }) => severity === "error")).toBe(true);
  // The timer of a guard that was killed may have been there still, and kept its ledger from being removed.
  if (blow.strike !== undefined && readdirSync(stage.runtime).length > 0) await thawn(0);
  expect(readdirSync(stage.runtime), "no ledger is left").toEqual([]);
  expect(house.frozen()).toEqual([]);
}

async function play(round: Round): Promise<void> {
  const { control } = house.stage.bench.simulator;
  const their = asDisk(house.theirs);
  await house.goesOn();
  house.seen();
  const before = await control.state();
  if (round.theirs) freezeByHand(their);
  const dealt = await hit(round).finally(() => {
    if (round.theirs) expect(isFrozen(their), "what others froze stays frozen").toBe(true);
  });
  const sets = newSets(before, await control.state());
  expect(sets.length).toBeLessThanOrEqual(1);
  const tags = sets.flatMap(({ snapshots }) =>
    snapshots.map((one) => one.tags["ec2-backup:consistency"] ?? ""),
  );
  if (round.theirs) expect(thawByHand(their), "what others froze is left to them").toBe(true);
  const rescue = dealt.abandoned > 0 && round.rescue === "run" ? expectHealed(dealt, round) : undefined;
  let { rescued } = dealt;
  if (rescue !== undefined) {
    // How long a run takes to begin is a matter of the machine.
    await thawedWithin(house.disks.map(asDisk), 20_000);
    rescued = Date.now();
  }
  await rescue;
  await house.goesOn();
  expectHonest(dealt, round, tags, house.seen(rescued));
  if (round.blow.fullLog) expect(tags, dealt.ended.stdout).toHaveLength(house.blocks.members.length);
  if (rescue === undefined) await expectHealed(dealt, round);
}

describe.skipIf(missing !== undefined)(`holding still${missing ? ` (${missing})` : ""}`, () => {
  test.each(Array.from({ length: rounds }, (_, index) => index))(
    "round %i",
    async (number) => {
      const round = roundOf(number);
      const { blow, moment, delay, theirs, rescue } = round;
      const when = blow.strike === undefined ? "" : `, ${delay.toFixed(1)} ms after ${moment.name}`;
      const title = `SEED=${seed} round ${number}: ${blow.name}${when}${theirs ? ", one busy" : ""}, ${rescue}`;
      try {
        await play(round);
      } catch (error) {
        console.log(`hold chaos failed: ${title}`);
        if (isFrozen(asDisk(house.theirs))) thawByHand(asDisk(house.theirs));
        throw error;
      }
      if (process.env["TELL"]) console.log(title);
    },
    30_000,
  );

  test("runs that nobody hits are held still, as far as the machine is quick enough", () => {
    expect(stillHeals).toBeGreaterThanOrEqual(rounds / 10);
  });
});
