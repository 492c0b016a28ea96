import { expect, test } from "vitest";
import { Turns } from "../../src/actions/turns.ts";
import { systemClock } from "../../src/host/clock.ts";

const never = new AbortController().signal;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("one at a time has the turn, and one that fails gives it up", async () => {
  const turns = new Turns(systemClock, 60_000);
  let now = 0;
  let most = 0;
  const ended = await Promise.allSettled(
    [1, 2, 3, 4].map((number) =>
      turns.taking(never, async () => {
        now += 1;
        most = Math.max(most, now);
        await wait(5);
        now -= 1;
        if (number === 2) throw new Error("no");
        return number;
      }),
    ),
  );
  expect(most).toBe(1);
  expect(ended.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
});

test("who stands still is passed, and takes nobody's turn away when it moves again", async () => {
  const turns = new Turns(systemClock, 100);
  const order: string[] = [];
  const hung = turns.taking(never, async (moving) => {
    await wait(400);
    moving();
    order.push("hung");
  });
  const next = turns.taking(never, async () => {
    await wait(1);
    order.push("next");
  });
  await Promise.all([hung, next]);
  expect(order).toEqual(["next", "hung"]);
});

test("who moves keeps its turn for longer than anybody waits", async () => {
  const turns = new Turns(systemClock, 2_000);
  const order: string[] = [];
  const busy = turns.taking(never, async (moving) => {
    for (let step = 0; step < 30; step += 1) {
      await wait(100);
      moving();
    }
    order.push("busy");
  });
  await Promise.all([busy, turns.taking(never, async () => void order.push("next"))]);
  expect(order).toEqual(["busy", "next"]);
});

test("who is told to stop waits no longer", async () => {
  const turns = new Turns(systemClock, 60_000);
  const end = new AbortController();
  const release = Promise.withResolvers<void>();
  const first = turns.taking(never, () => release.promise);
  const second = turns.taking(end.signal, async () => "told");
  end.abort();
  expect(await second).toBe("told");
  release.resolve();
  await first;
});
