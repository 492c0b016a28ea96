import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { agrees, type Dialogue, dialogueOn } from "../../src/cli/dialogue.ts";
import { formatAge, pickPoint } from "../../src/cli/pick-point.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { pointAged } from "../core/page-facts.ts";

const hour = 3_600_000;
const newest = pointAged(hour);
const now = new Date(newest.captured.getTime() + hour);

/** Points an hour apart, newest first. */
function pointsOf(count: number, change: (index: number) => Partial<RecoveryPoint> = () => ({})) {
  return Array.from({ length: count }, (_, index) => ({
    ...pointAged((index + 1) * hour),
    id: `0193a1b2-c3d4-7000-8000-${String(index).padStart(12, "0")}`,
    ...change(index),
  }));
}

/** What a person with a terminal of 80 columns sees and types; the last answer is the end of the input. */
async function pick(points: readonly RecoveryPoint[], ...answers: readonly string[]) {
  let text = "";
  const write = (more: string): void => {
    text += more;
  };
  const left = [...answers];
  const dialogue: Dialogue = {
    rows: 15,
    async ask(question) {
      write(`${question}\n`);
      return left.shift();
    },
    end: () => undefined,
  };
  const out = terminal({ write, isTTY: true, columns: 80 }, false);
  const chosen = await pickPoint({ points, zone: "Europe/Berlin", now }, dialogue, out).catch(
    (error: unknown) => error,
  );
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  return { chosen, text, asked: answers.length - left.length };
}

describe("the list to choose from", () => {
  it("takes a number, and with Enter alone the newest that is complete", async () => {
    const points = pointsOf(4, (index) => (index === 0 ? { state: "pending" } : {}));
    const { chosen, text } = await pick(points, "");
    expect(chosen).toBe(points[1]?.id);
    expect(text).toContain("Enter: 2, the newest complete one");
    expect(text).toMatch(/^1 +\S+ \S+ +60m +\S+ +\S+ GiB +pending/m);
    expect((await pick(points, "1")).chosen).toBe(points[0]?.id);
  });

  it("has pages, on which a number stays what it is", async () => {
    const points = pointsOf(25);
    const { chosen, text } = await pick(points, "n", "n", "n", "p", "25");
    expect(chosen).toBe(points[24]?.id);
    for (const which of ["(1 to 10 of 25)", "(11 to 20 of 25)", "(21 to 25 of 25)"])
      expect(text).toContain(which);
    expect(text.split("(21 to 25 of 25)")).toHaveLength(3);
  });

  it("is searched by words, in which Enter takes the newest complete one that is left", async () => {
    const points = pointsOf(25, (index) => (index % 10 === 7 ? { job: "weekly" } : {}));
    const { chosen, text } = await pick(points, "WEEKLY crash", "");
    expect(chosen).toBe(points[7]?.id);
    expect(text).toContain("Enter: 8, the newest complete one");
    expect((await pick(points, "weekly", "nothing-like-it", "")).chosen).toBe(points[0]?.id);
    expect((await pick(points, "000000000013", "")).chosen).toBe(points[13]?.id);
  });

  it("takes none by itself of several machines, nor where none is complete", async () => {
    const arn = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0other0000000000";
    const mixed = pointsOf(3, (index) => (index === 1 ? { instanceArn: arn } : {}));
    const { chosen, text } = await pick(mixed, "", "i-0other", "");
    expect(chosen).toBe(mixed[1]?.id);
    expect(text).toContain("Enter: all of them again");
    const pending = await pick(
      pointsOf(2, () => ({ state: "pending" })),
      "",
      "",
      "2",
    );
    expect([pending.chosen, pending.asked]).toEqual([pointsOf(2)[1]?.id, 3]);
  });

  it("is left with nothing chosen", async () => {
    for (const answers of [[], ["q"], ["n", "quit"]])
      expect((await pick(pointsOf(2), ...answers)).chosen).toMatchObject({ kind: "usage" });
    expect((await pick([], "1")).chosen).toMatchObject({ kind: "not-found" });
  });

  it("tells ages in the one unit that matters", () => {
    expect([-5, 59, 119, 120, 47 * 60 + 59, 48 * 60].map((minutes) => formatAge(minutes * 60_000))).toEqual([
      ...["0m", "59m", "119m", "2h", "47h", "2d"],
    ]);
  });
});

describe("questions", () => {
  const talk = (stop = new AbortController().signal) => {
    const input = new PassThrough();
    return { input, dialogue: dialogueOn({ input, output: { write: () => true } }, stop) };
  };

  it("are agreed to by yes alone", async () => {
    const { input, dialogue } = talk();
    input.write("y\n YES \nno\n\nyesterday\n");
    const answers: boolean[] = [];
    for (let round = 0; round < 5; round += 1) answers.push(await agrees("Do this?", dialogue));
    expect(answers).toEqual([true, true, false, false, false]);
    input.end();
    expect(await agrees("Do this?", dialogue)).toBe(false);
    dialogue.end();
  });

  it("end with an interruption, before and while they are asked", async () => {
    const stop = new AbortController();
    const { dialogue } = talk(stop.signal);
    const asked = dialogue.ask("> ");
    stop.abort();
    await expect(asked).rejects.toMatchObject({ kind: "interrupted" });
    await expect(dialogue.ask("> ")).rejects.toMatchObject({ kind: "interrupted" });
    dialogue.end();
  });
});
