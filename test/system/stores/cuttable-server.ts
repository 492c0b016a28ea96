import { rm } from "node:fs/promises";
import type { Cutter } from "./cutter.ts";
import type { ServerProcess } from "./process.ts";
import type { Shelf } from "./shelf.ts";
import type { Served, StoreServer } from "./store-server.ts";

/** A server that is a process with a directory of its own, which a crash leaves, behind a way that can be cut. */
export abstract class CuttableServer implements StoreServer {
  readonly directory: string;
  protected readonly way: Cutter;
  #process: ServerProcess | undefined;

  protected constructor(directory: string, way: Cutter) {
    this.directory = directory;
    this.way = way;
  }

  abstract repository(name: string): Served;

  abstract shelf(name: string): Shelf;

  protected abstract launch(): Promise<ServerProcess>;

  /** Waits until it can be asked. */
  protected abstract ready(server: ServerProcess): Promise<void>;

  async start(): Promise<void> {
    this.#process = await this.launch();
    await this.ready(this.#process);
    await this.way.accept();
  }

  async crash(): Promise<void> {
    await this.#process?.kill();
    this.way.refuse();
  }

  cut(): void {
    this.way.cut();
  }

  silence(): void {
    this.way.silence();
  }

  mend(): void {
    this.way.mend();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
    await this.way[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
