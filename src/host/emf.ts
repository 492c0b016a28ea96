import { createSocket } from "node:dgram";
import { open } from "node:fs/promises";
import { connect } from "node:net";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import { refuseSilent } from "./silent-mounts.ts";
import { within } from "./within.ts";

/** The most that UDP over IPv4 takes in one datagram, in bytes. */
const largestDatagram = 65_507;

/**
 * Sends lines to the CloudWatch agent, or to whoever else speaks its protocol: over TCP each line ends with a
 * line feed, over UDP it is a datagram. Nobody answers, so that over TCP it is known only that the lines were
 * taken, over UDP nothing. Throws `unreachable`. `timeout` in milliseconds is for all lines together.
 */
export async function sendLines(lines: readonly string[], endpoint: string, timeout: number): Promise<void> {
  const { protocol, hostname, port } = new URL(endpoint);
  const host = hostname.replace(/^\[|\]$/g, "");
  const send = protocol === "udp:" ? overUdp : overTcp;
  const doing = `send the metrics to ${endpoint}`;
  const limit = new AbortController();
  try {
    const late = unreachable(doing, `no end within ${timeout / 1000} s`);
    const sent = await within(timeout, send(lines, host, Number(port), limit.signal), late);
    if (sent === late) throw late;
  } catch (error) {
    throw error instanceof BackupError ? error : unreachable(doing, codeOf(error), error);
  } finally {
    limit.abort();
  }
}

function overTcp(lines: readonly string[], host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.once("error", reject);
    // What the other side says is not waited for; without a reader its end would not be seen.
    socket.resume();
    socket.once("close", () => resolve());
    // Not before: a connection that is broken off before everything was taken must not pass for success.
    socket.once("connect", () => socket.write(lines.map((line) => `${line}\n`).join(""), () => socket.end()));
  });
}

async function overUdp(
  lines: readonly string[],
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  signal.addEventListener("abort", () => socket.close(), { once: true });
  for (const line of lines) {
    const bytes = Buffer.from(line);
    if (bytes.length > largestDatagram)
      throw unreachable(`send the metrics to ${host}`, `${bytes.length} bytes are too many for a datagram`);
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.send(bytes, port, host, (error) => {
        socket.removeListener("error", reject);
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
}

function unreachable(doing: string, found: string, cause?: unknown): BackupError {
  const remedy = "start the CloudWatch agent with `emf` among its logs, or name metrics.emf.file instead";
  return new BackupError({ kind: "unreachable", doing, found, code: found, remedy }, { cause });
}

/** Adds lines to a file that an agent reads, in one write, readable by everybody. Throws `cannot-write`. */
export async function appendLines(lines: readonly string[], file: string): Promise<void> {
  await refuseSilent(file, `write the metrics to ${file}`);
  try {
    const handle = await open(file, "a", 0o644);
    try {
      await handle.appendFile(lines.map((line) => `${line}\n`).join(""));
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = codeOf(error);
    const remedy = "metrics.emf.file must be in a directory that is there and that the agent may write to";
    throw new BackupError(
      { kind: "cannot-write", doing: `append the metrics to ${file}`, found: code, code, remedy },
      { cause: error },
    );
  }
}
