import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Authority, authorityFor } from "../../fakes/tls-front.ts";
import type { Shelf } from "./shelf.ts";

/** How a repository of a server is named in a configuration. */
export interface Served {
  readonly url: string;
  readonly options: Readonly<Record<string, string>>;
  /** The file of the authority that signed the server's certificate. */
  readonly cacert?: string;
  /** What the environment file holds. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A server that keeps repositories, on a port of loopback of its own and reached through a way that can be cut. */
export interface StoreServer extends AsyncDisposable {
  /** A repository there by that name: nothing is made. */
  repository(name: string): Served;
  /** The files of that repository. */
  shelf(name: string): Shelf;
  /** Ends the server at once, as a crash does. */
  crash(): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
  cut(): void;
  silence(): void;
  mend(): void;
}

export async function placeFor(name: string): Promise<string> {
  return await mkdtemp(path.join(tmpdir(), `ec2-backup-${name}-`));
}

/** A certificate for loopback and the authority that signed it, as files. */
export interface LoopbackCertificate {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

export async function certificateIn(directory: string): Promise<LoopbackCertificate> {
  const authority: Authority = await authorityFor(["127.0.0.1", "localhost"]);
  const files = { ca: `${directory}/ca.pem`, key: `${directory}/key.pem`, cert: `${directory}/cert.pem` };
  await writeFile(files.ca, await readFile(authority.ca));
  await writeFile(files.key, authority.key, { mode: 0o600 });
  await writeFile(files.cert, authority.cert);
  await rm(path.dirname(authority.ca), { recursive: true, force: true });
  return files;
}
