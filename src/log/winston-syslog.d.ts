/** What is used of winston-syslog 2.7.1, which comes without types. */
declare module "winston-syslog" {
  import type { Socket as DatagramSocket } from "node:dgram";
  import type { Socket } from "node:net";
  import Transport from "winston-transport";

  /** What makes the text of a message; ours has been made before. */
  export interface Producer {
    produce(options: { readonly message: string }): string;
  }

  export interface SyslogOptions {
    readonly protocol: string;
    readonly host: string;
    readonly port: number;
    /** Put after each message. */
    readonly eol?: string;
    readonly customProducer?: new () => Producer;
  }

  export class Syslog extends Transport {
    constructor(options: SyslogOptions);
    /** Absent until the first message or `connect`. */
    readonly socket: Socket | DatagramSocket | null;
    connect(callback: (error: unknown) => void): void;
    override log(info: object, callback: (error?: unknown) => void): void;
  }
}
