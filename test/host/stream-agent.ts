import { openSync } from "node:fs";
import { runStream } from "../../src/host/stream-program.ts";

/** An agent that dumps by a shell and what that has started, until somebody kills the agent. */
const [, , mark = "", program = ""] = process.argv;
const order = {
  words: ["sh", "-c", program],
  env: { PATH: "/usr/bin:/bin", MARK: mark },
  output: openSync("/dev/null", "w"),
  timeout: 600_000,
  idleTimeout: 600_000,
};
const kill = (pid: number, signal: NodeJS.Signals | 0) => void process.kill(pid, signal);
await runStream(order, { kill, grace: 1_000 }, new AbortController().signal);
