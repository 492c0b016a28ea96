import { stat } from "node:fs/promises";
import { runProgram } from "../host/run-program.ts";
import { systemProgram } from "../host/system-path.ts";
import type { Line } from "./line.ts";
import type { Outlet } from "./outbox.ts";
import { cut, priorityOf, type Speaker } from "./syslog-frame.ts";

/** Milliseconds for which lines are kept that the local server has taken, in case it dies with them. */
const keptFor = 5_000;
const mostKept = 1_000;

/** Hands input of logger(1) to a socket; rejects with its words where nobody has taken it. */
type Send = (input: string, signal: AbortSignal) => Promise<void>;

/**
 * The local socket of syslog, by logger(1), since Node has no such sockets. A server that dies takes along
 * what it had not read, without a word; a server that starts makes a socket of its own. So when the socket is
 * another than that of the last delivery, or becomes another during one, the lines of the last seconds are sent
 * again.
 */
export function localOutlet(
  socket: string,
  speaker: Omit<Speaker, "hostname">,
  send: Send = byLogger(socket, speaker),
): Outlet {
  const { facility } = speaker;
  let kept: readonly { readonly line: Line; readonly since: number }[] = [];
  let server: string | undefined;
  let brokenAt: number | undefined;
  const sent = (lines: readonly Line[], signal: AbortSignal): Promise<void> =>
    send(lines.map((line) => `${priorityOf(line, facility)}${cut(line.text)}\n`).join(""), signal);
  return {
    name: `syslog at ${socket}`,
    most: 100,
    async deliver(lines, signal) {
      const now = performance.now();
      const recent = kept.filter(({ since }) => (brokenAt ?? now) - since < keptFor).slice(-mostKept);
      const all = [...recent.map(({ line }) => line), ...lines];
      let found = await identityOf(socket);
      try {
        await sent(server === undefined || server === found ? lines : all, signal);
        for (let then = found; ; then = found) {
          found = await identityOf(socket);
          if (found === then) break;
          // Nobody knows which of the two has them.
          await sent(all, signal);
        }
      } catch (error) {
        brokenAt ??= now;
        throw error;
      }
      brokenAt = undefined;
      server = found;
      kept = [...recent, ...lines.map((line) => ({ line, since: now }))];
      return lines.length;
    },
  };
}

function byLogger(socket: string, { appName, pid }: Omit<Speaker, "hostname">): Send {
  // Without the last word logger is silent, and successful, when nobody listens.
  const words = ["--socket", socket, "--tag", appName, `--id=${pid}`, "--size", "8192"];
  return async (input, signal) => {
    const logger = await systemProgram("logger");
    if (logger === undefined) throw new Error("there is no logger(1): install util-linux");
    const ended = await runProgram(
      logger,
      [...words, "--prio-prefix", "--skip-empty", "--socket-errors=on"],
      {
        input,
        signal,
      },
    );
    if (ended?.code !== 0) throw new Error(ended === undefined ? "logger(1) does not end" : ended.said);
  };
}

/** Which socket is there; one that was made anew is another. */
async function identityOf(socket: string): Promise<string> {
  const stats = await stat(socket).catch(() => undefined);
  return stats === undefined ? "none" : `${stats.dev}:${stats.ino}:${stats.ctimeMs}`;
}
