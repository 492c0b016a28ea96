import type { Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type Producer, Syslog } from "winston-syslog";
import { addressOf } from "../host/address-of.ts";
import { type Outlet, Unconfirmed } from "./outbox.ts";
import { frameOf, type Speaker } from "./syslog-frame.ts";

export interface NetworkPlace {
  readonly protocol: "udp4" | "udp6" | "tcp4" | "tcp6";
  readonly host: string;
  readonly port: number;
}

/** Frames are made by us: they carry the time of the line and not that of its delivery. */
class AsGiven implements Producer {
  produce({ message }: { readonly message: string }): string {
    return message;
  }
}

/** winston hands level and text on under these names. */
const [LEVEL, MESSAGE] = [Symbol.for("level"), Symbol.for("message")];

/**
 * A syslog server on the network. Each delivery has a transport of its own: one that has seen an error, or
 * that is closed, goes on connecting for ever or throws.
 */
export function networkOutlet(place: NetworkPlace, speaker: Speaker): Outlet {
  const { protocol, host, port } = place;
  const stream = protocol.startsWith("tcp");
  let address: string | undefined;
  return {
    name: `syslog at ${protocol} ${host.includes(":") ? `[${host}]` : host}:${port}`,
    most: 100,
    async deliver(lines, signal) {
      const frames = lines.map((line) => frameOf(line, speaker));
      try {
        address ??= await addressOf(host, protocol.endsWith("6") ? 6 : 4, signal);
        const transport = transportTo({ ...place, host: address });
        await (stream ? sendStream(transport, frames, signal) : sendDatagrams(transport, frames, signal));
        return lines.length;
      } catch (error) {
        // It may have moved.
        address = undefined;
        throw error;
      }
    },
  };
}

function transportTo({ protocol, host, port }: NetworkPlace): Syslog {
  // The newline is what ends a message on a stream (RFC 6587, 3.4.2).
  const eol = protocol.startsWith("tcp") ? { eol: "\n" } : {};
  const transport = new Syslog({ protocol, host, port, ...eol, customProducer: AsGiven });
  // Told by the socket as well; without a listener it would end the process.
  transport.on("error", () => undefined);
  return transport;
}

function hand(transport: Syslog, frame: string): void {
  transport.log({ [LEVEL]: "info", [MESSAGE]: frame }, () => undefined);
}

/**
 * Sends all, ends our side and waits until the server ends its own: it does so when it has read everything.
 * If it is killed before, the connection is reset. That is the only receipt that syslog over TCP has.
 */
async function sendStream(transport: Syslog, frames: readonly string[], signal: AbortSignal): Promise<void> {
  // They wait in the transport, which writes them at once when it is connected.
  for (const frame of frames) hand(transport, frame);
  const socket = transport.socket as Socket;
  // Its own listener connects again, and for ever.
  socket.removeAllListeners("close");
  const closed = Promise.withResolvers<void>();
  socket.once("close", () => closed.resolve());
  let connected = false;
  let problem: NodeJS.ErrnoException | undefined;
  socket.on("error", (error) => {
    problem = error;
  });
  // After the listener by which the transport writes.
  socket.once("connect", () => {
    connected = true;
    socket.end();
  });
  socket.resume();
  const abort = (): void => void socket.destroy();
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  await closed.promise;
  signal.removeEventListener("abort", abort);
  if (problem !== undefined) throw new Error(problem.code ?? problem.message);
  if (!signal.aborted) return;
  if (connected) throw new Unconfirmed("it takes what is sent and does not say that it has read it");
  throw new Error("no connection in time");
}

/** What is lost on the way nobody knows; what cannot even be sent is an error. */
async function sendDatagrams(
  transport: Syslog,
  frames: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  transport.connect(() => undefined);
  const socket = transport.socket as DatagramSocket;
  try {
    // Earlier messages would wait in the transport, which does not tell what becomes of those.
    await once(socket, "listening", { signal });
    const sent = Promise.withResolvers<void>();
    let open = frames.length;
    let problem: Error | undefined;
    transport.on("error", (error: NodeJS.ErrnoException) => {
      problem = new Error(error.code ?? error.message);
    });
    transport.on("logged", () => {
      open--;
      if (open === 0) sent.resolve();
    });
    socket.on("error", sent.reject);
    signal.addEventListener("abort", () => sent.reject(new Error("it cannot be sent in time")));
    for (const frame of frames) hand(transport, frame);
    await sent.promise;
    if (problem !== undefined) throw problem;
  } finally {
    socket.on("error", () => undefined).close();
  }
}
