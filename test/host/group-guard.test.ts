import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { folder, need, node } from "./places.ts";

/** The living processes that have the mark in their environment. */
function marked(mark: string): { readonly pid: number; readonly words: string }[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/environ`, "utf8").includes(`MARK=${mark}\0`))
        return [];
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return [{ pid: Number(pid), words }];
    } catch {
      return [];
    }
  });
}

test("what a dump's shell has started, and nobody reads any more, ends with the agent", async (context) => {
  need(context, process.platform === "linux", "Linux");
  const mark = await folder();
  const agent = path.join(import.meta.dirname, "stream-agent.ts");
  // Like a client that waits for a lock of its server, and so never hears that its reader is gone.
  const program = "sleep 1000 & sleep 1001 | cat; exit 0";
  const [file = "", ...words] = node;
  const child = spawn(file, [...words, agent, mark, program], { stdio: "ignore" });
  const gone = once(child, "exit");
  context.onTestFinished(() => {
    for (const { pid } of marked(mark)) process.kill(pid, "SIGKILL");
  });
  const sleeping = () =>
    marked(mark)
      .flatMap(({ words }) => (words.startsWith("sleep") ? [words] : []))
      .sort();
  await expect.poll(sleeping, { timeout: 30_000 }).toEqual(["sleep 1000", "sleep 1001"]);
  child.kill("SIGKILL");
  await gone;
  await expect.poll(() => marked(mark), { timeout: 10_000 }).toEqual([]);
});
