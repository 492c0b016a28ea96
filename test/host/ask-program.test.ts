import { expect, test } from "vitest";
import { askProgram, needProgram } from "../../src/host/ask-program.ts";
import { isLinux, need } from "./places.ts";

test("a program that does not end is given up at the deadline, with all that it has started", async (context) => {
  need(context, isLinux, "Linux");
  const begun = performance.now();
  // Its output would keep a reader for as long as what it has started lives.
  const script = "echo $$ >&2; sleep 987 & sleep 987";
  const outcome = askProgram("sh", ["-c", script], { timeout: 400 });
  await expect(outcome).rejects.toMatchObject({ found: expect.stringContaining("no answer after 0.4 s") });
  expect(performance.now() - begun).toBeLessThan(5_000);
  const abort = askProgram("sh", ["-c", script], { timeout: 60_000, signal: AbortSignal.timeout(200) });
  await expect(abort).rejects.toMatchObject({ kind: "interrupted" });
  await expect
    .poll(async () => (await askProgram("ps", ["-eo", "args"], { timeout: 10_000 })).stdout.toString())
    .not.toContain("sleep 987");
});

test("a program that is not installed is named with the package that has it", async () => {
  await expect(needProgram("no-such-program")).rejects.toMatchObject({ remedy: "install no-such-program" });
});
