import { rm } from "node:fs/promises";
import path from "node:path";
import { has } from "../../host/places.ts";
import { Cutter } from "./cutter.ts";
import { freePort, ServerProcess } from "./process.ts";
import {
  certificateIn,
  type LoopbackCertificate,
  placeFor,
  type Served,
  type StoreServer,
} from "./store-server.ts";

export const rcloneCan = has("rclone");
export const rcloneNeed = "rclone (package rclone)";

/** `rclone serve restic`: a REST server with TLS, a user and a password, that may refuse to delete. */
export class RestServer implements StoreServer {
  static readonly user = "client";
  static readonly password = "pass-of-client";
  readonly directory: string;
  readonly certificate: LoopbackCertificate;
  readonly #port: number;
  readonly #way: Cutter;
  #appendOnly: boolean;
  #server: ServerProcess | undefined;

  private constructor(
    directory: string,
    certificate: LoopbackCertificate,
    port: number,
    way: Cutter,
    appendOnly: boolean,
  ) {
    this.directory = directory;
    this.certificate = certificate;
    this.#port = port;
    this.#way = way;
    this.#appendOnly = appendOnly;
  }

  static async start(how: { readonly appendOnly?: boolean } = {}): Promise<RestServer> {
    const directory = await placeFor("rest");
    const certificate = await certificateIn(directory);
    const port = await freePort();
    const way = await Cutter.to(() => port);
    const server = new RestServer(directory, certificate, port, way, how.appendOnly ?? false);
    await server.start();
    return server;
  }

  /** From the next start on. */
  set appendOnly(appendOnly: boolean) {
    this.#appendOnly = appendOnly;
  }

  repository(name: string): Served {
    return {
      url: `rest:https://127.0.0.1:${this.#way.port}/${name}/`,
      options: {},
      cacert: this.certificate.ca,
      environment: { RESTIC_REST_USERNAME: RestServer.user, RESTIC_REST_PASSWORD: RestServer.password },
      files: path.join(this.directory, "files", name),
    };
  }

  /** The same repository with the user and the password in its address. */
  repositoryWithLogin(name: string): Served {
    const served = this.repository(name);
    const login = `${RestServer.user}:${RestServer.password}@`;
    return { ...served, url: served.url.replace("https://", `https://${login}`), environment: {} };
  }

  async start(): Promise<void> {
    const { key, cert } = this.certificate;
    this.#server = new ServerProcess(
      [
        ...["rclone", "serve", "restic", "--addr", `127.0.0.1:${this.#port}`, "--cert", cert, "--key", key],
        ...["--user", RestServer.user, "--pass", RestServer.password],
        // What another server or a test changes below it is seen at once.
        "--cache-objects=false",
        ...(this.#appendOnly ? ["--append-only"] : []),
        path.join(this.directory, "files"),
      ],
      { HOME: this.directory, RCLONE_CONFIG: path.join(this.directory, "rclone.conf") },
    );
    await this.#server.listening(this.#port);
  }

  async crash(): Promise<void> {
    await this.#server?.kill();
  }

  cut(): void {
    this.#way.cut();
  }

  silence(): void {
    this.#way.silence();
  }

  mend(): void {
    this.#way.mend();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
    await this.#way[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}
