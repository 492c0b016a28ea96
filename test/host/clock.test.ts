import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

const clock = path.join(import.meta.dirname, "../../src/host/clock.ts");

test("counts from the beginning of the process, which a gate before removals goes by, and goes on", () => {
  const script = `
    const { systemClock } = await import(${JSON.stringify(clock)});
    const [first, uptime] = [systemClock.elapsed(), process.uptime() * 1000];
    await new Promise((resolve) => setTimeout(resolve, 120));
    console.log(JSON.stringify([first, uptime, systemClock.elapsed()]));
  `;
  const words = ["--experimental-strip-types", "--no-warnings", "--input-type=module", "--eval", script];
  const [first, uptime, then] = JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
  expect(first).toBeGreaterThanOrEqual(0);
  expect(first).toBeLessThanOrEqual(uptime);
  expect(then - first).toBeGreaterThanOrEqual(100);
});
