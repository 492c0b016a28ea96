import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";

/** A way through loopback that can be cut and mended; a server is reached by it. */
export class Cutter implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #state: "open" | "cut" | "silent" = "open";
  #port = 0;

  private constructor(to: () => number) {
    this.#server = createServer((near) => {
      this.#keep(near);
      if (this.#state === "cut") return void near.resetAndDestroy();
      if (this.#state === "silent") return;
      const far = createConnection(to(), "127.0.0.1");
      this.#keep(far);
      near.pipe(far).pipe(near);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const)
        one.on("close", () => {
          if (!other.destroyed) other.resetAndDestroy();
        });
    });
  }

  static async to(port: () => number): Promise<Cutter> {
    const cutter = new Cutter(port);
    await cutter.accept();
    cutter.#port = (cutter.#server.address() as AddressInfo).port;
    return cutter;
  }

  get port(): number {
    return this.#port;
  }

  /** Ends all connections and refuses new ones, as the port of a process that is gone does. */
  refuse(): void {
    this.#server.close();
    for (const socket of this.#sockets) if (!socket.destroyed) socket.resetAndDestroy();
  }

  /** Takes connections, from the start on and after it has refused them. */
  async accept(): Promise<void> {
    if (this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
  }

  /** Ends all connections, and each new one at once, until it is mended. */
  cut(): void {
    this.#state = "cut";
    for (const socket of this.#sockets) if (!socket.destroyed) socket.resetAndDestroy();
  }

  /** Lets connections stand and no byte through, as a cable that was pulled. */
  silence(): void {
    this.#state = "silent";
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** Lets new connections through; those that it was silent for have ended. */
  mend(): void {
    if (this.#state === "silent") for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#state = "open";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
