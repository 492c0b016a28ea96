import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { FaultKind } from "../../src/simulator/faults.ts";
import { everythingOf, oddTreeCan, oddTreeNeed } from "../host/odd-tree.ts";
import { need } from "../host/places.ts";
import type { Start } from "./bench.ts";
import { chanceOf, shuffled } from "./chance.ts";
import { FilesStage } from "./files-stage.ts";
import { loopDisksCan, loopDisksNeed } from "./loop-disks.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(
  `files out of a point, interrupted: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`,
);
const chance = chanceOf(seed);

interface Round {
  /** Killed where a call hangs, killed or told to stop at some time, or disturbed by a fault that passes. */
  readonly way: "hang" | "hang-after" | "kill" | "term" | "int" | FaultKind;
  /** Of the call; of a time, its part of a whole run. */
  readonly index: number;
}

/** More calls than one command makes; the last ones never come, and such a round is one that nothing disturbs. */
const places = Array.from({ length: 16 }, (_, index) => index + 1);
const faults = ["throttle", "500", "503", "reset-before", "reset-after", "malformed", "truncated"] as const;
const rounds: readonly Round[] = [
  ...shuffled(
    places.flatMap((index) => (["hang", "hang-after"] as const).map((way) => ({ way, index }))),
    chance,
  ).slice(0, soak ? undefined : 4),
  ...shuffled(
    places.flatMap((index) => (["kill", "kill", "term", "int"] as const).map((way) => ({ way, index }))),
    chance,
  ).slice(0, soak ? undefined : 4),
  ...shuffled(
    places.flatMap((index) => faults.map((way) => ({ way, index }))),
    chance,
  ).slice(0, soak ? undefined : 2),
];

test("whatever interrupts it, the next command does it and nothing is left", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  need(context, oddTreeCan, oddTreeNeed);
  await using stage = await FilesStage.start();
  const { control } = stage.bench.simulator;
  const name = "deeper";
  const before = everythingOf(path.join(stage.data, "tree/sub"), name);
  const wordsTo = (round: number) => [
    "file",
    `${stage.data}/tree/sub/${name}`,
    "--overwrite",
    "--to",
    path.join(stage.block.disks.directory, `out-${round}/`),
  ];
  // Every other one only reads, which costs less.
  const reads = (number: number): boolean => number % 2 === 1;
  let usual = 3_000;
  for (const [number, { way, index }] of rounds.entries()) {
    const where = `seed ${seed}, round ${number}: ${way} at ${index}`;
    const words = reads(number) ? ["cat", `${stage.data}/tree/a`] : wordsTo(number);
    const run = (start: Start = {}) => stage.run(reads(number) ? words : [...words, "--json"], start);
    const started = Promise.withResolvers<number>();
    const timed = way === "kill" || way === "term" || way === "int";
    if (!timed) control.faults([{ kind: way, index }]);
    const first = run({ onStart: started.resolve });
    const pid = await started.promise;
    if (way === "hang" || way === "hang-after") {
      if (await Promise.race([first.then(() => false), hangs(stage, way)])) process.kill(pid, "SIGKILL");
    } else if (timed) {
      await Promise.race([first, pause((index / places.length) * usual)]);
      const signal = { kill: "SIGKILL", term: "SIGTERM", int: "SIGINT" } as const;
      try {
        process.kill(pid, signal[way]);
      } catch {
        // It had ended.
      }
    }
    const ended = await first;
    control.clearFaults();
    const said = `${where}: ${ended.stdout}${ended.stderr}`;
    if (way === "term" || way === "int") {
      // A process that is just being started dies of the signal itself.
      const code = way === "term" ? 143 : 130;
      if (ended.signal === null) expect([0, code], said).toContain(ended.code);
      await stage.expectClean(said);
    } else if (way !== "kill" && ended.signal === null && ended.code === 0) await stage.expectClean(said);
    const second = await run();
    expect(second.code, `${said}\n${second.stdout}${second.stderr}`).toBe(0);
    usual = second.ms;
    if (reads(number)) expect(second.stdout, said).toBe("one\n");
    else expect(everythingOf(words.at(-1) ?? "", name), said).toBe(before);
    await stage.expectClean(`${said}\n${second.stdout}${second.stderr}`);
  }
}, 7_200_000);

test("a run removes what a killed command has left once its time is over, where nobody drills", async (context) => {
  need(context, loopDisksCan, loopDisksNeed);
  need(context, oddTreeCan, oddTreeNeed);
  await using stage = await FilesStage.start();
  const { control } = stage.bench.simulator;
  control.faults([{ kind: "hang", action: "DetachVolume" }]);
  const started = Promise.withResolvers<number>();
  const reading = stage.run(["cat", `${stage.data}/tree/a`], { onStart: started.resolve });
  const pid = await started.promise;
  await hangs(stage, "hang");
  process.kill(pid, "SIGKILL");
  await reading;
  control.clearFaults();
  const run = () => stage.bench.run({ env: { RUNTIME_DIRECTORY: stage.runtime } });
  const made = await stage.made();
  expect(made).toHaveLength(1);
  const early = await run();
  expect([early.code, await stage.made()], early.stdout + early.stderr).toEqual([0, made]);
  // As it would be a day later.
  const tags = { "ec2-backup:temporary-until": new Date(Date.now() - 1000).toISOString() };
  await control.volumes([{ change: { volume: made[0], tags } }]);
  control.faults([{ kind: "denied", action: "DetachVolume", count: "always" }]);
  const denied = await run();
  expect([denied.code, await stage.made()], denied.stdout + denied.stderr).toEqual([0, made]);
  expect(denied.stderr).toMatch(new RegExp(`cannot detach ${made[0]}: .*volume=${made[0]}`));
  expect(denied.stderr).toContain("who may: ec2-backup restore volumes --undo");
  control.clearFaults();
  const late = await run();
  expect([late.code, await stage.made()], late.stdout + late.stderr).toEqual([0, []]);
  expect(late.stderr).toContain(`removed volume ${made[0]}, which a drill or a restore had left`);
}, 300_000);

/** Waits for the call that is never answered. */
async function hangs({ bench }: FilesStage, kind: string): Promise<boolean> {
  const { control } = bench.simulator;
  const count = () => control.calls().filter((call) => call.outcome?.code === kind).length;
  for (const before = count(); ; await pause(20)) if (count() > before) return true;
}
