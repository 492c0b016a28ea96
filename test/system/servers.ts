import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdir, open, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isInstalled, type LoopDisks, sh } from "./loop-disks.ts";
import { withoutDisks } from "./mount-namespace.ts";
import { SqlSession } from "./sql-session.ts";

/** A database server that was started here. */
export interface Server extends AsyncDisposable {
  /** The directory of its socket, which MariaDB calls `socket`. */
  readonly place: string;
  /** A session in the database of the load. */
  session(): SqlSession;
  /** Its log so far. */
  log(): Promise<string>;
}

/** A kind of server, of which data directories are made and servers started on them. */
export interface ServerKind {
  readonly name: string;
  readonly present: boolean;
  /** Makes a data directory below a mount. */
  create(mount: string): Promise<void>;
  /**
   * Starts a server on a mount. With `device` a copy: that device is mounted at the same place, in a namespace of the
   * server's own, so that paths in its files mean what they meant and the original may go on beside it.
   */
  start(disks: LoopDisks, mount: string, device?: string, options?: readonly string[]): Promise<Server>;
  /** Whether its log says that it was not shut down and had to recover. */
  recovered(log: string): boolean;
}

const patience = 60_000;
let started = 0;

/** Started in a directory of its own that holds its socket and log; killed at the end, as a crash would. */
async function launch(
  disks: LoopDisks,
  order: {
    readonly user: string;
    readonly words: (place: string) => readonly string[];
    readonly client: (place: string) => readonly string[];
    readonly copy?: { readonly device: string; readonly mount: string; readonly options: readonly string[] };
  },
): Promise<Server> {
  const place = path.join(disks.directory, `server${++started}`);
  await mkdir(place, { mode: 0o755 });
  await chown(place, Number(await sh("id", "-u", order.user)), Number(await sh("id", "-g", order.user)));
  const logFile = path.join(place, "log");
  const handle = await open(logFile, "w");
  const as = [
    "setpriv",
    `--reuid=${order.user}`,
    `--regid=${order.user}`,
    "--init-groups",
    "--",
    ...order.words(place),
  ];
  const [program = "", ...words] = order.copy === undefined ? as : inNamespace(order.copy, as);
  const child = spawn(program, words, { stdio: ["ignore", handle.fd, handle.fd], cwd: "/", detached: true });
  const gone = once(child, "exit");
  await handle.close();
  disks.janitor.undo(`kill -9 -${child.pid} 2>/dev/null`);
  const log = () => readFile(logFile, "utf8");
  const server: Server = {
    place,
    session: () => new SqlSession(order.client(place)),
    log,
    async [Symbol.asyncDispose]() {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (!ended && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await gone;
    },
  };
  await answering(server, () => child.exitCode ?? child.signalCode);
  return server;
}

async function answering(server: Server, end: () => number | string | null): Promise<void> {
  const until = performance.now() + patience;
  for (;;) {
    if (end() !== null) throw new Error(`the server has ended (${end()}): ${await server.log()}`);
    const session = server.session();
    try {
      await session.query("SELECT 1");
      return;
    } catch (error) {
      if (performance.now() > until) throw new Error(`${(error as Error).message}: ${await server.log()}`);
    } finally {
      await session[Symbol.asyncDispose]();
    }
    await pause(100);
  }
}

/** Processes of its own as well: PostgreSQL looks whether that of its lock file is still there. */
function inNamespace(
  { device, mount, options }: { device: string; mount: string; options: readonly string[] },
  words: readonly string[],
): string[] {
  const script = 'mount "$@"';
  const [dash, ...mounting] = [...options, device, mount];
  const line = `${withoutDisks(device)}; set -- ${[dash, ...mounting].join(" ")}; ${script} && exec ${words.join(" ")}`;
  return ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "/bin/sh", "-c", line];
}

/**
 * MariaDB, with small files and every commit on the disk. In a directory of its own for temporary tables: a server that
 * starts removes those of all others from a shared one, by which they fail or crash.
 */
export const mariadb: ServerKind = {
  name: "MariaDB",
  present: isInstalled("mariadbd") && isInstalled("mariadb-install-db"),
  async create(mount) {
    const data = path.join(mount, "data");
    await sh(
      "mariadb-install-db",
      "--no-defaults",
      "--user=mysql",
      `--datadir=${data}`,
      `--tmpdir=${data}`,
      "--skip-test-db",
      "--innodb-log-file-size=8M",
    );
  },
  start(disks, mount, device, options = []) {
    return launch(disks, {
      user: "mysql",
      words: (place) => [
        "mariadbd",
        "--no-defaults",
        `--datadir=${path.join(mount, "data")}`,
        `--tmpdir=${place}`,
        `--socket=${place}/socket`,
        `--pid-file=${place}/pid`,
        "--skip-networking",
        "--innodb-log-file-size=8M",
        "--innodb-buffer-pool-size=32M",
        "--innodb-flush-log-at-trx-commit=1",
        "--log-bin=binlog",
        "--sync-binlog=1",
      ],
      client: (place) => [
        "mariadb",
        "--no-defaults",
        `--socket=${place}/socket`,
        "--batch",
        "--skip-column-names",
        "--unbuffered",
        "--force",
        ...(existsSync(path.join(mount, "data", "bench")) ? ["bench"] : []),
      ],
      ...(device === undefined ? {} : { copy: { device, mount, options } }),
    });
  },
  recovered: (log) => /InnoDB: Starting crash recovery/.test(log),
};

const postgresPrograms = ["/usr/lib/postgresql", "/usr/pgsql"]
  .flatMap((root) => (existsSync(root) ? readdirSync(root).map((one) => path.join(root, one, "bin")) : []))
  .find((directory) => existsSync(path.join(directory, "initdb")));

/** PostgreSQL. */
export const postgres: ServerKind = {
  name: "PostgreSQL",
  present: postgresPrograms !== undefined,
  async create(mount) {
    const data = path.join(mount, "data");
    await mkdir(data, { mode: 0o700 });
    await sh("chown", "postgres:", data);
    const as = ["--reuid=postgres", "--regid=postgres", "--init-groups", "--"];
    await sh("setpriv", ...as, path.join(postgresPrograms ?? "", "initdb"), "-D", data, "-A", "trust");
  },
  start(disks, mount, device, options = []) {
    return launch(disks, {
      user: "postgres",
      words: (place) => [
        path.join(postgresPrograms ?? "", "postgres"),
        "-D",
        path.join(mount, "data"),
        "-k",
        place,
        "-c",
        "listen_addresses=",
        "-c",
        "shared_buffers=16MB",
      ],
      client: (place) => ["psql", "-h", place, "-U", "postgres", "-XAtq", "postgres"],
      ...(device === undefined ? {} : { copy: { device, mount, options } }),
    });
  },
  recovered: (log) => /database system was not properly shut down; automatic recovery in progress/.test(log),
};

/** The state that PostgreSQL's control file tells, such as `in production`; the directory must be mounted. */
export async function clusterState(mount: string): Promise<string> {
  const text = await sh(path.join(postgresPrograms ?? "", "pg_controldata"), path.join(mount, "data"));
  return /^Database cluster state: +(.*)$/m.exec(text)?.[1] ?? text;
}
