import { expect, test } from "vitest";
import { chanceOf } from "./chance.ts";
import { DaemonProcess, until } from "./daemon-process.ts";
import { setsOf } from "./history.ts";
import type { Death } from "./sweep-kill.ts";
import { endingHost, interrupt, lastPoints, newPoints } from "./termination-stage.ts";

const soak = process.env["SOAK"] !== undefined;
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
console.log(
  `last captures killed at their calls: SEED=${seed}${soak ? ", full" : ", reduced (SOAK=1 for all)"}`,
);

const ended = /the last capture ended with exit code 0/;

test(
  "a daemon that dies with its last capture at any call makes one whole point once it is started again",
  async (context) => {
    const undisturbed = await endingHost(context, {});
    const first = new DaemonProcess(context, undisturbed);
    await first.logged("watching for");
    const before = undisturbed.apiCalls().length;
    await interrupt(undisturbed);
    await first.logged(ended);
    expect(await first.end()).toBe(0);
    const counts = new Map<string, number>();
    const deaths = undisturbed
      .apiCalls()
      .slice(before)
      .flatMap(({ action }): Death[] => {
        const index = (counts.get(action) ?? 0) + 1;
        counts.set(action, index);
        return (["hang", "hang-after"] as const).map((kind) => ({ action, index, kind }));
      });
    const captures = deaths.filter(({ action }) => action === "CreateSnapshots");
    expect(captures.length).toBeGreaterThan(1);
    const chance = chanceOf(seed);
    const drawn = (of: readonly Death[]) => of[Math.floor(chance() * of.length)] ?? expect.fail("no call");
    for (const death of soak ? deaths : [drawn(captures), drawn(deaths)]) {
      const what = `${death.kind} of ${death.action} ${death.index}`;
      const bench = await endingHost(context, {});
      const { control } = bench.simulator;
      const daemon = new DaemonProcess(context, bench);
      await daemon.logged("watching for");
      control.faults([death]);
      await interrupt(bench);
      await until(
        () => control.calls().some(({ outcome }) => outcome?.code === death.kind),
        () => `${what} never came:\n${daemon.log}`,
      );
      const runs = daemon.runs();
      daemon.child.kill("SIGKILL");
      for (const pid of runs) process.kill(pid, "SIGKILL");
      control.clearFaults();
      const next = new DaemonProcess(context, bench);
      await next.logged(ended);
      expect([await newPoints(bench), await lastPoints(bench)], `${what}:\n${next.log}`).toEqual([
        1,
        [expect.stringMatching(/^spot terminate /)],
      ]);
      const [made] = setsOf(await control.state());
      expect(made?.snapshots, what).toHaveLength(2);
      expect(await next.end(), what).toBe(0);
    }
  },
  soak ? 600_000 : 120_000,
);
