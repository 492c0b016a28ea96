import path from "node:path";
import { has } from "../../host/places.ts";
import { CuttableServer } from "./cuttable-server.ts";
import { Cutter } from "./cutter.ts";
import { freePort, ServerProcess } from "./process.ts";
import { type Shelf, shelfAt } from "./shelf.ts";
import { certificateIn, type LoopbackCertificate, placeFor, type Served } from "./store-server.ts";

export const rcloneCan = has("rclone");
export const rcloneNeed = "rclone (package rclone)";

/** `rclone serve restic`: a REST server with TLS, a user and a password, that may refuse to delete. */
export class RestServer extends CuttableServer {
  static readonly user = "client";
  static readonly password = "pass-of-client";
  readonly certificate: LoopbackCertificate;
  readonly #port: number;
  #appendOnly: boolean;

  private constructor(
    directory: string,
    certificate: LoopbackCertificate,
    port: number,
    way: Cutter,
    appendOnly: boolean,
  ) {
    super(directory, way);
    this.certificate = certificate;
    this.#port = port;
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
      url: `rest:https://127.0.0.1:${this.way.port}/${name}/`,
      options: {},
      cacert: this.certificate.ca,
      environment: { RESTIC_REST_USERNAME: RestServer.user, RESTIC_REST_PASSWORD: RestServer.password },
    };
  }

  shelf(name: string): Shelf {
    return shelfAt(path.join(this.directory, "files", name));
  }

  /** The same repository with the user and the password in its address. */
  repositoryWithLogin(name: string): Served {
    const served = this.repository(name);
    const login = `${RestServer.user}:${RestServer.password}@`;
    return { ...served, url: served.url.replace("https://", `https://${login}`), environment: {} };
  }

  protected async launch(): Promise<ServerProcess> {
    const { key, cert } = this.certificate;
    return new ServerProcess(
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
  }

  protected ready(server: ServerProcess): Promise<void> {
    return server.listening(this.#port);
  }
}
