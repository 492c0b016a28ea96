import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { TestContext } from "vitest";
import type { RepositoryConfig } from "../../../src/core/store-ports.ts";
import { need } from "../../host/places.ts";
import { cheapenKeys, makeRepository } from "./cheap-key.ts";
import { RestServer, rcloneCan, rcloneNeed } from "./rclone.ts";
import { oneRestic, type Restic, restics } from "./restics.ts";
import { S3Server } from "./s3-server.ts";
import { shelfAt } from "./shelf.ts";
import { Sshd, sshdCan, sshdNeed } from "./sshd.ts";
import { placeFor, type Served, type StoreServer } from "./store-server.ts";

/** A directory of this host: there is nothing between it and restic that could be cut. */
class LocalDirectory implements StoreServer {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async start(): Promise<LocalDirectory> {
    return new LocalDirectory(await placeFor("local"));
  }

  repository(name: string): Served {
    return { url: path.join(this.#directory, name), options: {}, environment: {} };
  }

  shelf = (name: string) => shelfAt(path.join(this.#directory, name));

  crash = () => Promise.resolve();
  start = () => Promise.resolve();
  cut = () => undefined;
  silence = () => undefined;
  mend = () => undefined;

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A way to keep repositories. */
export interface StoreKind {
  readonly name: string;
  /** Whether it can be had here, and what it needs. */
  readonly can: boolean;
  readonly needs: string;
  start(): Promise<StoreServer>;
}

export const local: StoreKind = { name: "a directory", can: true, needs: "", start: LocalDirectory.start };
export const sftp: StoreKind = { name: "SFTP", can: sshdCan, needs: sshdNeed, start: Sshd.start };
export const s3: StoreKind = { name: "S3 over TLS", can: true, needs: "", start: () => S3Server.start() };
export const rest: StoreKind = {
  name: "REST over TLS",
  can: rcloneCan,
  needs: rcloneNeed,
  start: () => RestServer.start(),
};

export const storeKinds: readonly StoreKind[] = [local, sftp, s3, rest];

/** Each way with each restic where SOAK=1. Else a directory with both, S3 with that one, the other servers with the other. */
export function pairsOf(ofS3: Restic): readonly { readonly kind: StoreKind; readonly restic: Restic }[] {
  const other = restics().find((one) => one !== ofS3) ?? ofS3;
  const own = (kind: StoreKind): readonly Restic[] =>
    kind === local ? restics() : oneRestic((kind === s3 ? ofS3 : other).name);
  return storeKinds.flatMap((kind) => own(kind).map((restic) => ({ kind, restic })));
}

/** Starts a server of that kind; the test is left out where it cannot be had, but not in CI. */
export function needStore(context: TestContext, kind: StoreKind): Promise<StoreServer> {
  need(context, kind.can, kind.needs);
  return kind.start();
}

/** A repository of a server as a configuration has it, with files of its secrets in the directory. */
export async function configured(
  served: Served,
  name: string,
  directory: string,
  more: Partial<RepositoryConfig> = {},
): Promise<RepositoryConfig> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const at = (kind: string) => path.join(directory, `${name}.${kind}`);
  await writeFile(at("password"), `password-of-${name}\n`, { mode: 0o600 });
  const lines = Object.entries(served.environment).map(([key, value]) => `${key}=${value}\n`);
  if (lines.length > 0) await writeFile(at("env"), lines.join(""), { mode: 0o600 });
  return {
    name,
    url: served.url,
    password: { file: at("password") },
    options: served.options,
    ...(served.cacert === undefined ? {} : { cacert: served.cacert }),
    ...(lines.length === 0 ? {} : { environmentFile: at("env") }),
    appendOnly: false,
    lockWait: 10_000,
    // A machine that is busy flushing its disk is slow and does not hang: making a repository moves less than a MiB.
    idleTimeout: 240_000,
    deadline: 240_000,
    ...more,
  };
}

type Locked = Pick<RepositoryConfig, "name" | "password">;

const passwordFileOf = ({ name, password }: Locked): string => {
  if ("file" in password) return password.file;
  throw new Error(`the password of ${name} is in no file`);
};

/** Makes a repository that opens at once, in the place of `restic init`: see {@link makeRepository}. */
export function ready(server: StoreServer, config: Locked): Promise<void> {
  return makeRepository(server.shelf(config.name), passwordFileOf(config));
}

/** Makes a repository that restic has just made one that opens at once: see {@link cheapenKeys}. */
export function cheapenOf(server: StoreServer, config: Locked): Promise<void> {
  return cheapenKeys(server.shelf(config.name), passwordFileOf(config));
}

/** The same as lines of a configuration file. */
export function asYaml(config: RepositoryConfig): string {
  const { name, url, password, cacert, options, environmentFile, program } = config;
  const shown = {
    url,
    ...("file" in password ? { passwordFile: password.file } : { passwordCommand: password.command }),
    ...(cacert === undefined ? {} : { cacert }),
    ...(environmentFile === undefined ? {} : { environmentFile }),
    ...(program === undefined ? {} : { restic: program }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    lockWait: `${config.lockWait}ms`,
    idleTimeout: `${config.idleTimeout}ms`,
    deadline: `${config.deadline}ms`,
  };
  return `  ${name}: ${JSON.stringify(shown)}\n`;
}
