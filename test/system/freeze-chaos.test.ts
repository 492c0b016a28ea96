import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { chanceOf } from "./chance.ts";
import { type Context, type Disk, diskOf, freezeByHand, hindrance, Writer } from "./freeze-lab.ts";
import { AgentProcess, brisk, kill, type Said, wavesOf } from "./freeze-process.ts";
import { expectMelted, expectNothingLeft, type Stage, strike, strikes } from "./freeze-round.ts";
import { lateness } from "./lateness.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const rounds = soak ? 250 : 10;
/** Each part has fresh disks, and says what failed when it has ended. */
const perTest = 10;
if (hindrance === undefined)
  console.log(`freeze chaos: SEED=${seed}, ${rounds} rounds${soak ? "" : " (SOAK=1 for 250)"}`);

const { deadline, grace } = brisk;
const steps = ["prepare", "hold", "hold", "held", "held", "release", "close"] as const;

describe.skipIf(hindrance !== undefined)(`chaos${hindrance ? ` (${hindrance})` : ""}`, () => {
  test.each(Array.from({ length: rounds / perTest }, (_, index) => index))(
    "part %i: whoever is hit and whenever, nothing stays frozen",
    async (part) => {
      const context = { onTestFinished: (await import("vitest")).onTestFinished };
      const disks = [
        await diskOf(context, "ext4", tmpdir(), 300),
        await diskOf(context, "ext4", tmpdir(), 300),
      ];
      const theirs = await diskOf(context, "ext4", tmpdir(), 300);
      const writers = await Promise.all(disks.map((disk) => Writer.start(context, disk)));
      for (let index = 0; index < perTest; index++) {
        const round = seed + part * perTest + index;
        await roundOf(context, round, disks, writers, theirs);
      }
    },
    120_000,
  );
});

async function roundOf(
  context: Context,
  round: number,
  disks: readonly Disk[],
  writers: readonly Writer[],
  their: Disk,
): Promise<void> {
  const chance = chanceOf(round);
  const pick = <T>(things: readonly T[]): T => things[Math.floor(chance() * things.length)] as T;
  const what = pick(strikes);
  const when = pick(steps);
  const delay = chance() * (when === "held" ? 300 : 40);
  const theirs = chance() < 0.2 ? their : undefined;
  const title = `SEED=${round}: ${what}, ${delay.toFixed(1)} ms into ${when}${theirs ? ", one busy" : ""}`;
  const runtime = mkdtempSync(path.join(tmpdir(), "ec2-backup-chaos-"));
  const stage: Stage = { disks, writers, theirs, deadline };
  const [first, second] = disks;
  if (first === undefined || second === undefined) expect.fail("two disks are needed");
  const waves = wavesOf([first], theirs === undefined ? [second] : [second, theirs]);
  for (const writer of writers) writer.takeStall();
  if (theirs !== undefined) freezeByHand(theirs);
  try {
    const late = await lateness();
    const agent = new AgentProcess(context, runtime, { waves, syncTimeout: 5_000 });
    const said = drive(agent, when);
    await said.reached;
    await sleep(delay);
    strike(what, agent);
    const { stalls } = await expectMelted(stage, agent, what);
    if (what === "stop agent") await Promise.race([agent.gone, sleep(deadline + grace + 1_000)]);
    const released = await Promise.race([said.released, sleep(4_000, undefined)]);
    const margin = 10 + (await late());
    for (const stall of stalls)
      if (released?.holding?.held === true)
        expect(released.holding.frozen?.ms).toBeGreaterThanOrEqual(stall - margin);
    kill(agent.pid, "SIGKILL");
    await agent.gone;
    await expectNothingLeft(stage, agent);
  } catch (error) {
    console.log(`freeze chaos failed: ${title}: ${error}`);
    throw error;
  } finally {
    rmSync(runtime, { recursive: true, force: true });
  }
}

/** Leads an agent through all steps; `reached` is when the step is about to be done in which it is hit. */
function drive(agent: AgentProcess, when: (typeof steps)[number]) {
  const reached = Promise.withResolvers<void>();
  const at = (step: typeof when): void => {
    if (step === when) reached.resolve();
  };
  const released = (async (): Promise<Said | undefined> => {
    at("prepare");
    if ((await agent.ask("prepare")).word !== "prepared") return undefined;
    at("hold");
    const held = await agent.ask("hold");
    at("held");
    if (held.word === "held") await sleep(400);
    at("release");
    const answer = await agent.ask("release");
    at("close");
    await agent.ask("close");
    return answer;
  })();
  void released.then(() => reached.resolve());
  return { reached: reached.promise, released };
}
