import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import type { RepositoryConfig } from "../../src/core/store-ports.ts";
import { agent, type Ended, execute } from "./bench.ts";
import { cheapenOf, configured } from "./stores/kinds.ts";
import { S3Server } from "./stores/s3-server.ts";
import { Sshd } from "./stores/sshd.ts";
import type { StoreServer } from "./stores/store-server.ts";

interface Page {
  readonly repositories: Record<string, object>;
  readonly jobs: { readonly nightly: { readonly files: { paths: string[] } } };
}

/** The first configuration of a section of README.md. */
async function configurationOf(section: string): Promise<Page> {
  const text = await readFile(path.resolve(import.meta.dirname, "../../README.md"), "utf8");
  const [, page = ""] = text.split(`\n## ${section}\n`);
  return parse(/```yaml\n([\s\S]*?)\n```/.exec(page)?.[1] ?? "") as Page;
}

/**
 * Where the commands of the page about files are typed: a host outside EC2 with the configuration of the page itself,
 * whose repositories are on a real sshd and in an S3 over TLS.
 */
export class FilesPage implements AsyncDisposable {
  readonly folder: string;
  readonly #servers: { readonly central: Sshd; readonly offsite: S3Server };
  readonly #program: string;
  /** The first point of the files. */
  #first = "";

  private constructor(folder: string, servers: { central: Sshd; offsite: S3Server }, program: string) {
    this.folder = folder;
    this.#servers = servers;
    this.#program = program;
  }

  static async start(folder: string, section: string, program: string): Promise<FilesPage> {
    const servers = { central: await Sshd.start(), offsite: await S3Server.start() };
    const stage = new FilesPage(folder, servers, program);
    await stage.#prepare(section);
    return stage;
  }

  async #prepare(section: string): Promise<void> {
    const page = await configurationOf(section);
    for (const [name, server] of Object.entries<StoreServer>(this.#servers)) {
      const config = await configured(server.repository(name), name, path.join(this.folder, "secrets"));
      page.repositories[name] = { ...page.repositories[name], ...placesOf(config), restic: this.#program };
    }
    expect(page.jobs.nightly.files.paths).toEqual(["/srv/build"]);
    page.jobs.nightly.files.paths = [path.join(this.folder, "srv/build")];
    await writeFile(path.join(this.folder, "config.yaml"), stringify(page), { mode: 0o600 });
    for (const directory of ["srv/build/src", "state", "run", "bin"])
      await mkdir(path.join(this.folder, directory), { recursive: true, mode: 0o700 });
    await this.#write("Makefile", "all:\n");
    await this.#write("src/main.c", "int main;\n");
    await this.#write("src/left.tmp", "nobody keeps this\n");
    const shim = path.join(this.folder, "bin/ec2-backup");
    const command = `exec '${process.execPath}' '${agent}' --config '${this.folder}/config.yaml' "$@"`;
    await writeFile(shim, `#!/bin/sh\n${command}\n`);
    await chmod(shim, 0o755);
  }

  #write(name: string, text: string): Promise<void> {
    return writeFile(path.join(this.folder, "srv/build", name), text);
  }

  /** What happens before a chapter that tells of it. */
  async enter(chapter: string): Promise<void> {
    if (chapter === "Getting files back") {
      const { stdout } = await this.type("ec2-backup list --json");
      const { points } = JSON.parse(stdout) as { points: { id: string; stored: { content: string } }[] };
      this.#first = points.find(({ stored }) => stored.content === "files")?.id ?? "";
      await this.#write("Makefile", "all: main\n");
      const ran = await this.type("ec2-backup run nightly");
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    }
    if (chapter === "The server is gone") {
      const mirrored = await this.type("ec2-backup repository mirror central");
      expect(mirrored.code, mirrored.stdout + mirrored.stderr).toBe(0);
      await this.#servers.central.crash();
    }
  }

  /** Types a command of the page; its places and ids are those of the stage. */
  async type(command: string): Promise<Ended> {
    const here = path.join(this.folder, "srv/build");
    const there = command.replaceAll("/srv/build", here).replaceAll(/\b01a201ca-c7bd\b/g, this.#first);
    const ended = await execute(["sh", "-c", `cd '${this.folder}' && ${there}`], {
      STATE_DIRECTORY: path.join(this.folder, "state"),
      RUNTIME_DIRECTORY: path.join(this.folder, "run"),
      PATH: `${path.join(this.folder, "bin")}:${process.env["PATH"]}`,
      HOME: this.folder,
      TZ: "UTC",
    });
    if (command.startsWith("ec2-backup repository init")) await this.#cheapen();
    return { ...ended, stdout: ended.stdout.replaceAll(here, "/srv/build") };
  }

  /** Each command opens a repository some times, and restic would work for half a second each time. */
  async #cheapen(): Promise<void> {
    for (const [name, server] of Object.entries<StoreServer>(this.#servers))
      await cheapenOf(server, {
        name,
        password: { file: path.join(this.folder, "secrets", `${name}.password`) },
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of Object.values(this.#servers)) await server[Symbol.asyncDispose]();
  }
}

/** What differs from the page because the servers are on loopback. */
function placesOf({ url, password, cacert, environmentFile, options }: RepositoryConfig): object {
  return {
    url,
    ...("file" in password ? { passwordFile: password.file } : {}),
    ...(cacert === undefined ? {} : { cacert }),
    ...(environmentFile === undefined ? {} : { environmentFile }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}
