import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { has, isRoot } from "../../host/places.ts";
import { CuttableServer } from "./cuttable-server.ts";
import { Cutter } from "./cutter.ts";
import { freePort, ServerProcess } from "./process.ts";
import { type Shelf, shelfAt } from "./shelf.ts";
import { placeFor, type Served } from "./store-server.ts";

const run = promisify(execFile);
const program = "/usr/sbin/sshd";

export const sshdCan = existsSync(program) && has("ssh") && has("ssh-keygen");
export const sshdNeed = "sshd and ssh (packages openssh-server and openssh-client)";

/**
 * A real sshd with keys of its own, for the user of this process only; its files are those of this host.
 * Its directory holds the repositories, in `files`.
 */
export class Sshd extends CuttableServer {
  readonly #port: number;

  private constructor(directory: string, port: number, way: Cutter) {
    super(directory, way);
    this.#port = port;
  }

  static async start(): Promise<Sshd> {
    const directory = await placeFor("sshd");
    const at = (name: string) => path.join(directory, name);
    const key = (name: string) => run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(name)]);
    await Promise.all([key("host"), key("user"), mkdir(at("files"))]);
    await writeFile(at("authorized"), await readFile(at("user.pub")));
    // sshd asks for it when root starts it.
    if (isRoot) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
    const port = await freePort();
    const way = await Cutter.to(() => port);
    const [type = "", secret = ""] = (await readFile(at("host.pub"), "utf8")).split(" ");
    await writeFile(at("known"), `[127.0.0.1]:${way.port} ${type} ${secret.trim()}\n`);
    const settings = {
      ListenAddress: `127.0.0.1:${port}`,
      HostKey: at("host"),
      PidFile: "none",
      AuthorizedKeysFile: at("authorized"),
      StrictModes: "no",
      UsePAM: "no",
      PasswordAuthentication: "no",
      KbdInteractiveAuthentication: "no",
      PermitRootLogin: "prohibit-password",
      AllowUsers: userInfo().username,
      MaxStartups: "100",
      MaxSessions: "100",
      // Not by the user's shell, which reads files of the user's first.
      Subsystem: "sftp internal-sftp",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
    await writeFile(at("sshd_config"), lines.join(""));
    const sshd = new Sshd(directory, port, way);
    await sshd.start();
    return sshd;
  }

  /** The words of the command by which the server is reached; `-s sftp` is to follow. */
  get ssh(): readonly string[] {
    const at = (name: string) => path.join(this.directory, name);
    return [
      ...["ssh", "-F", "none", "-p", String(this.way.port), "-i", at("user")],
      ...["-o", "IdentitiesOnly=yes", "-o", `UserKnownHostsFile=${at("known")}`, "-o", "BatchMode=yes"],
      ...["-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5"],
      `${userInfo().username}@127.0.0.1`,
    ];
  }

  repository(name: string): Served {
    return {
      url: `sftp:${userInfo().username}@127.0.0.1:${this.#filesOf(name)}`,
      options: { "sftp.command": `${this.ssh.join(" ")} -s sftp` },
      environment: {},
    };
  }

  shelf(name: string): Shelf {
    return shelfAt(this.#filesOf(name));
  }

  #filesOf(name: string): string {
    return path.join(this.directory, "files", name);
  }

  protected async launch(): Promise<ServerProcess> {
    return new ServerProcess([program, "-D", "-e", "-f", path.join(this.directory, "sshd_config")]);
  }

  protected ready(server: ServerProcess): Promise<void> {
    return server.listening(this.#port);
  }
}
