import { expect, test } from "vitest";
import { unlockRepository } from "../../src/actions/unlock-repository.ts";
import { systemClock } from "../../src/host/clock.ts";
import { failureIn, never, Stage } from "../engines/restic-stage.ts";
import { folder } from "../host/places.ts";
import { needRestic, systemRestic } from "../system/stores/restics.ts";

test("no lock is judged by a clock that is ahead of the repository's", async (context) => {
  const place = new Stage(await folder(), needRestic(context, systemRestic));
  const store = await place.made("store");
  const at = (minutes: number) => ({
    store,
    state: undefined,
    clock: { ...systemClock, now: () => new Date(Date.now() + minutes * 60_000) },
  });
  const failure = await failureIn(unlockRepository(at(31), false, never));
  expect(failure).toMatchObject({ kind: "refused", code: "ClockSkew" });
  expect(failure["found"]).toMatch(/^the clock of this host is 31 min ahead of the store's/);
  for (const minutes of [0, 5, -90])
    expect(await unlockRepository(at(minutes), false, never)).toMatchObject({ outcome: "done" });
});
