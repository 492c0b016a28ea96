// Real servers on directories and sockets of their own, as their packages install them; nothing listens on TCP
// unless a test asks for it. They end with the test, and with the process of the test however that ends.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { userAccount } from "../../src/host/user-account.ts";
import { has, isLinux, isRoot } from "../host/places.ts";

const run = promisify(execFile);

async function accountOf(user: string) {
  const account = await userAccount(user, new AbortController().signal);
  if (account === undefined) throw new Error(`there is no user ${user}`);
  return account;
}

/** A server that runs. */
interface Server {
  /** Its directory, which its user owns. */
  readonly directory: string;
  /** Its first process. */
  readonly pid: number;
  /** Sends its first process a signal. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, as a crash does. */
  crash(): Promise<void>;
  /** Ends it in order and removes its directory. */
  stop(): Promise<void>;
}

/** Debian keeps PostgreSQL's server programs out of the PATH. */
function postgresPrograms(): string | undefined {
  const versions = "/usr/lib/postgresql";
  try {
    const newest = readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0];
    return newest === undefined ? undefined : path.join(versions, newest, "bin");
  } catch {
    return undefined;
  }
}

const packages = {
  mariadb: { package: "mariadb-server", isThere: () => has("mariadbd") && has("mariadb-install-db") },
  postgres: { package: "postgresql", isThere: () => postgresPrograms() !== undefined && has("psql") },
  redis: { package: "redis-server", isThere: () => has("redis-server") },
};

/** A group of tests that need servers: left out, with the reason, where they are missing; but not in CI. */
export function describeWith(
  servers: readonly (keyof typeof packages)[],
  name: string,
  tests: () => void,
): void {
  const missing = servers.filter((server) => !packages[server].isThere()).map((one) => packages[one].package);
  const reasons = [
    ...(isLinux && isRoot ? [] : ["root on Linux, to become the servers' users"]),
    ...missing.map((one) => `the package ${one}`),
  ];
  if (reasons.length > 0 && process.env["CI"])
    test(`${name} can be tested where nothing may be left out`, () => expect(reasons).toEqual([]));
  const why = reasons.length === 0 ? "" : ` (needs ${reasons.join(" and ")})`;
  describe.skipIf(reasons.length > 0)(`${name}${why}`, tests);
}

/** What keeps its end from those who cannot end it: the kernel ends the server with the test's process. */
function as(user: string, program: string, args: readonly string[]): ChildProcess {
  const change = [`--reuid=${user}`, `--regid=${user}`, "--init-groups", "--pdeathsig", "KILL", "--"];
  return spawn("setpriv", [...change, program, ...args], { cwd: "/", stdio: "ignore" });
}

async function ownedDirectory(user: string): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "ec2-backup-server-"));
  const { uid, gid } = await accountOf(user);
  await chown(directory, uid, gid);
  // Those who connect are other users.
  await chmod(directory, 0o755);
  return directory;
}

const templates = new Map<string, Promise<string>>();

afterAll(async () => {
  for (const one of templates.values()) await rm(await one, { recursive: true, force: true });
});

/** A data directory as a server's own program makes it, which takes seconds: that is done once for all of a file. */
async function dataIn(directory: string, user: string, make: (template: string) => Promise<unknown>) {
  if (!templates.has(user)) {
    const making = ownedDirectory(user).then(async (template) => {
      await make(template);
      return template;
    });
    templates.set(user, making);
  }
  const data = path.join(directory, "data");
  await run("cp", ["-a", path.join((await templates.get(user)) ?? "", "data"), data]);
  return data;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until the question is answered without an error. */
export async function eventually<T>(ask: () => Promise<T>, ms = 60_000): Promise<T> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}

async function started(
  child: ChildProcess,
  directory: string,
  answers: () => Promise<unknown>,
  signal: NodeJS.Signals,
): Promise<Server> {
  const end = async (how: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(how);
    const force = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(force);
  };
  const stop = async (): Promise<void> => {
    await end(signal);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await eventually(answers);
  } catch (error) {
    await stop();
    throw error;
  }
  const pid = child.pid ?? 0;
  return { directory, pid, signal: (one) => void child.kill(one), crash: () => end("SIGKILL"), stop };
}

export interface Mariadb extends Server {
  readonly socket: string;
  /** One statement as root, by the server's own client. */
  sql(statement: string): Promise<string>;
}

/**
 * MariaDB with a binary log; root logs in over the socket. In a directory of its own for temporary tables: a server that
 * starts removes those of all others from a shared one, by which they fail or crash.
 */
export async function startMariadb(...options: string[]): Promise<Mariadb> {
  const directory = await ownedDirectory("mysql");
  const socket = path.join(directory, "s");
  const small = "--innodb-log-file-size=8M";
  const data = await dataIn(directory, "mysql", (template) =>
    run("mariadb-install-db", [
      "--no-defaults",
      `--datadir=${template}/data`,
      `--tmpdir=${template}`,
      "--user=mysql",
      "--auth-root-authentication-method=socket",
      "--skip-test-db",
      small,
    ]),
  );
  const args = [
    "--no-defaults",
    `--datadir=${data}`,
    `--tmpdir=${directory}`,
    small,
    `--socket=${socket}`,
    `--pid-file=${directory}/pid`,
    `--log-error=${directory}/log`,
    "--log-bin=mysql-bin",
    "--server-id=1",
    "--innodb-buffer-pool-size=16M",
    ...(options.some((one) => one.startsWith("--port")) ? [] : ["--skip-networking"]),
    ...options,
  ];
  const sql = async (statement: string): Promise<string> => {
    const { stdout } = await run("mariadb", ["--no-defaults", "-uroot", "-S", socket, "-N", "-e", statement]);
    return stdout.trim();
  };
  const server = await started(as("mysql", "mariadbd", args), directory, () => sql("SELECT 1"), "SIGTERM");
  return { ...server, socket, sql };
}

export interface Postgres extends Server {
  /** The directory of its socket. */
  readonly host: string;
  /** One statement as postgres, by psql. */
  sql(statement: string): Promise<string>;
  /** Starts another after a crash, on the same data. */
  restart(): Promise<void>;
}

/** PostgreSQL with peer authentication for its own user and passwords for others. */
export async function startPostgres(...options: string[]): Promise<Postgres> {
  const directory = await ownedDirectory("postgres");
  const programs = postgresPrograms() ?? "";
  const become = ["--reuid=postgres", "--regid=postgres", "--init-groups", "--"];
  const data = await dataIn(directory, "postgres", async (template) => {
    const text = path.join(template, "pw");
    await run("sh", ["-c", `umask 077; echo secret > ${text}; chown postgres ${text}`]);
    const login = ["-A", "scram-sha-256", "--auth-local=peer", `--pwfile=${text}`];
    const init = [path.join(programs, "initdb"), "-D", `${template}/data`, ...login, "--no-sync"];
    await run("setpriv", [...become, ...init], { cwd: "/" });
  });
  const settings = [
    `unix_socket_directories=${directory}`,
    "listen_addresses=",
    "shared_buffers=16MB",
    ...options,
  ];
  const port = options.find((one) => one.startsWith("port="))?.slice(5) ?? "5432";
  const args = ["-D", data, ...settings.flatMap((one) => ["-c", one])];
  const sql = async (statement: string): Promise<string> => {
    const psql = ["psql", "-XAtq", "-h", directory, "-d", "postgres", "-c", statement];
    const env = { ...process.env, PGPORT: port };
    const { stdout } = await run("setpriv", [...become, ...psql], { cwd: "/", env });
    return stdout.trim();
  };
  const start = (): Promise<Server> =>
    started(
      as("postgres", path.join(programs, "postgres"), args),
      directory,
      () => sql("SELECT 1"),
      "SIGINT",
    );
  let server = await start();
  return {
    directory,
    host: directory,
    sql,
    get pid() {
      return server.pid;
    },
    signal: (one) => server.signal(one),
    crash: () => server.crash(),
    stop: () => server.stop(),
    restart: async () => {
      server = await start();
    },
  };
}

export interface Redis extends Server {
  readonly socket: string;
  /** One command, by the server's own client. */
  cli(...words: string[]): Promise<string>;
}

/** Redis that saves only when it is told to. */
export async function startRedis(...options: string[]): Promise<Redis> {
  const directory = await ownedDirectory("redis");
  const socket = path.join(directory, "s");
  const data = path.join(directory, "data");
  await mkdir(data);
  const { uid, gid } = await accountOf("redis");
  await chown(data, uid, gid);
  const args = ["--port", "0", "--unixsocket", socket, "--dir", data, "--save", "", ...options];
  const cli = async (...words: string[]): Promise<string> => {
    const { stdout } = await run("redis-cli", ["-s", socket, ...words]);
    return stdout.trim();
  };
  const answers = async (): Promise<void> => {
    if (!/PONG|NOAUTH/.test(await cli("PING"))) throw new Error("it does not answer");
  };
  const server = await started(as("redis", "redis-server", args), directory, answers, "SIGTERM");
  return { ...server, socket, cli };
}
