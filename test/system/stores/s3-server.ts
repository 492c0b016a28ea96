import { readFile, writeFile } from "node:fs/promises";
import https from "node:https";
import path from "node:path";
import { node } from "../../host/places.ts";
import { CuttableServer } from "./cuttable-server.ts";
import { Cutter } from "./cutter.ts";
import { ServerProcess } from "./process.ts";
import { type Access, everything } from "./s3/access.ts";
import type { Shelf } from "./shelf.ts";
import { certificateIn, type LoopbackCertificate, placeFor, type Served } from "./store-server.ts";

/** A request that the server was asked. */
export interface S3Request {
  readonly time: string;
  readonly accessKey: string;
  readonly method: string;
  readonly url: string;
  readonly status: number;
}

/** An S3 over TLS: a process of its own, whose objects outlive it. */
export class S3Server extends CuttableServer {
  /** An access key that may do everything. */
  static readonly owner = "AKIAIOSFODNN7OWNER00";
  /** Of every access key: signatures are not checked. */
  static readonly secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00";
  readonly certificate: LoopbackCertificate;
  #access: Access;
  #aheadMs = 0;
  #port = 0;

  private constructor(directory: string, certificate: LoopbackCertificate, way: Cutter, access: Access) {
    super(directory, way);
    this.certificate = certificate;
    this.#access = access;
  }

  /** @param access policies of access keys beside the owner's */
  static async start(access: Access = {}): Promise<S3Server> {
    const directory = await placeFor("s3");
    const certificate = await certificateIn(directory);
    let server: S3Server | undefined;
    const way = await Cutter.to(() => server?.serverPort ?? 0);
    server = new S3Server(directory, certificate, way, {
      [S3Server.owner]: { policy: everything },
      ...access,
    });
    await server.start();
    return server;
  }

  /** The port of the server itself, past the way that can be cut. */
  get serverPort(): number {
    return this.#port;
  }

  /** Where AWS's programs find it. */
  get endpoint(): string {
    return `https://127.0.0.1:${this.way.port}`;
  }

  /** @param bucket at least three characters; restic makes it when the repository is made */
  repository(bucket: string, accessKey = S3Server.owner): Served {
    return {
      url: `s3:${this.endpoint}/${bucket}/repository`,
      options: { "s3.bucket-lookup": "path" },
      cacert: this.certificate.ca,
      environment: S3Server.credentials(accessKey),
    };
  }

  shelf(bucket: string): Shelf {
    const at = (name: string) => `/${bucket}/repository/${name}`;
    return {
      make: async () => void (await this.#ask("PUT", `/${bucket}`)),
      names: async (directory) => {
        const listed = await this.#ask("GET", `/${bucket}?list-type=2&prefix=repository/${directory}/`);
        return [...listed.toString().matchAll(/<Key>[^<]*\/([^</]+)<\/Key>/g)].map(([, name = ""]) => name);
      },
      read: (name) => this.#ask("GET", at(name)),
      write: async (name, content) => void (await this.#ask("PUT", at(name), content)),
      remove: async (name) => void (await this.#ask("DELETE", at(name))),
    };
  }

  static credentials(accessKey = S3Server.owner): Record<string, string> {
    return {
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: S3Server.secret,
      AWS_DEFAULT_REGION: "eu-central-1",
    };
  }

  /** Replaces what access keys may do, the owner's apart. */
  async allow(access: Access): Promise<void> {
    this.#access = { [S3Server.owner]: { policy: everything }, ...access };
    await this.#tell({ access: this.#access });
  }

  /** Sets the server's clock ahead of this host's, for dates that it gives and locks that it keeps. */
  async advance(aheadMs: number): Promise<void> {
    this.#aheadMs = aheadMs;
    await this.#tell({ aheadMs });
  }

  /** All requests so far, the oldest first. */
  async requests(): Promise<readonly S3Request[]> {
    const text = await readFile(path.join(this.directory, "requests"), "utf8").catch(() => "");
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as S3Request);
  }

  protected async launch(): Promise<ServerProcess> {
    const { key, cert } = this.certificate;
    const settings = path.join(this.directory, "settings.json");
    const at = (name: string) => path.join(this.directory, name);
    const about = { root: at("buckets"), port: this.#port, key, cert, log: at("requests") };
    await writeFile(settings, JSON.stringify({ ...about, access: this.#access, aheadMs: this.#aheadMs }));
    return new ServerProcess([...node, path.join(import.meta.dirname, "s3", "main.ts"), settings], {
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
    });
  }

  protected async ready(server: ServerProcess): Promise<void> {
    const [, port] = await server.saying(/"port":(\d+)/);
    this.#port = Number(port);
  }

  async #tell(change: object): Promise<void> {
    await this.#ask("PUT", "/_settings", JSON.stringify(change));
  }

  /** As the owner; what the server is told by another one is what is tested. */
  async #ask(method: string, url: string, body: string | Buffer = ""): Promise<Buffer> {
    const ca = await readFile(this.certificate.ca);
    const headers = {
      authorization: `AWS4-HMAC-SHA256 Credential=${S3Server.owner}/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0`,
    };
    const [status, answer] = await new Promise<readonly [number, Buffer]>((resolve, reject) => {
      const to = { host: "127.0.0.1", port: this.#port, path: url, method, headers, ca, agent: false };
      const asked = https.request(to, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => resolve([response.statusCode ?? 0, Buffer.concat(parts)]));
      });
      asked.on("error", reject).end(body);
    });
    if (status >= 300) throw new Error(`${method} ${url}: ${status} ${answer}`);
    return answer;
  }
}
