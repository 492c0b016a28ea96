import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What an alarm says in a message of SNS, as far as the tests read it. */
export interface Notice {
  readonly alarm: string;
  readonly state: "ALARM" | "OK" | "INSUFFICIENT_DATA";
  /** Milliseconds since the epoch, by CloudWatch's clock. */
  readonly at: number;
  readonly description: string;
}

/** Somebody on loopback who is told by HTTP, as SNS tells any HTTP endpoint. */
export class Subscriber implements AsyncDisposable {
  readonly notices: Notice[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Subscriber> {
    const server = createServer();
    const subscriber = new Subscriber(server);
    server.on("request", (request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
      request.on("end", () => {
        response.end();
        subscriber.#take(text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return subscriber;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The notices of an alarm, in words such as `ALARM`. */
  of(kind: string): string[] {
    const name = new RegExp(`/${kind}(-2)?$`);
    return this.notices.filter(({ alarm }) => name.test(alarm)).map(({ state }) => state);
  }

  #take(text: string): void {
    const { Type: type, Message: message } = JSON.parse(text) as { Type: string; Message: string };
    if (type !== "Notification") return;
    const { AlarmName, NewStateValue, StateChangeTime, AlarmDescription } = JSON.parse(message) as {
      AlarmName: string;
      NewStateValue: Notice["state"];
      StateChangeTime: string;
      AlarmDescription?: string;
    };
    const at = Date.parse(StateChangeTime.replace(/\+0000$/, "Z"));
    this.notices.push({ alarm: AlarmName, state: NewStateValue, at, description: AlarmDescription ?? "" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
