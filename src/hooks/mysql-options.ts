import { BackupError } from "../core/errors.ts";
import type { MysqlHookConfig } from "../core/hook-config.ts";
import { namesIn, type OpenedFile, openedFile, refuseExposed } from "../host/private-file.ts";
import { isSocket } from "../host/socket.ts";
import { optionLines } from "./option-file.ts";

/** What the host says of the agent's process. */
export interface MysqlHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Absent on Windows. */
  readonly uid: number | undefined;
}

/** Where the server is and who asks. */
export interface MysqlTarget {
  readonly socketPath?: string;
  readonly host?: string;
  readonly port?: number;
  readonly user: string;
  readonly password?: string;
  readonly ssl?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly rejectUnauthorized: boolean;
    readonly verifyIdentity: boolean;
  };
}

/** The groups that the servers' own command line client reads; `[mariadb]` and `[mysqld]` are the server's. */
const groups = ["client", "client-server", "client-mariadb", "mysql", "mariadb-client"];
const defaultFiles = ["/etc/my.cnf", "/etc/mysql/my.cnf"];
/** Where servers put their socket when nobody says: Debian, Red Hat, MySQL's own builds. */
const usualSockets = ["/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock"];
const deepestInclude = 10;

type Options = ReadonlyMap<string, string>;

/** What the configuration, the option files and the environment say, in this order. */
export async function targetOf(config: MysqlHookConfig, host: MysqlHost): Promise<MysqlTarget> {
  const options = await readOptions(config, host);
  const user = config.user ?? options.get("user") ?? nameOf(host);
  const password = options.get("password") ?? host.env["MYSQL_PWD"];
  const ssl = await tlsOf(options);
  return {
    ...(await placeOf(config, options)),
    user,
    ...(password === undefined ? {} : { password }),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

/** As the clients do: the user that runs the program. */
function nameOf({ env, uid }: MysqlHost): string {
  return uid === 0 ? "root" : (env["USER"] ?? env["LOGNAME"] ?? "root");
}

/** A host other than `localhost`, or a port that the job names, means TCP; all else means the socket. */
async function placeOf(
  config: MysqlHookConfig,
  options: Options,
): Promise<Pick<MysqlTarget, "socketPath" | "host" | "port">> {
  if (config.socket !== undefined) return { socketPath: config.socket };
  const named = config.host ?? options.get("host");
  const port = config.port ?? numberOf(options, "port") ?? 3306;
  const protocol = options.get("protocol")?.toLowerCase();
  if (named !== undefined && named !== "localhost") return { host: named, port };
  if (config.port !== undefined || protocol === "tcp") return { host: "127.0.0.1", port };
  const socket = options.get("socket");
  if (socket !== undefined) return { socketPath: socket };
  for (const usual of usualSockets) if (await isSocket(usual)) return { socketPath: usual };
  return { host: "127.0.0.1", port };
}

function numberOf(options: Options, name: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  const doing = `read the option ${name} of the option files`;
  throw new BackupError({ kind: "configuration", doing, found: "no whole number" });
}

/** As the clients: with a CA the certificate is checked, and the name in it if that is asked for. */
async function tlsOf(options: Options): Promise<MysqlTarget["ssl"]> {
  const mode = options.get("ssl-mode")?.toUpperCase();
  const isOn = (name: string): boolean => /^(1|on|true|)$/i.test(options.get(name) ?? "off");
  const ca = options.get("ssl-ca");
  const wanted = ca !== undefined || isOn("ssl") || (mode !== undefined && /^(REQUIRED|VERIFY)/.test(mode));
  if (!wanted || mode === "DISABLED" || options.get("ssl") === "0") return undefined;
  const pem = async (name: "ca" | "cert" | "key"): Promise<Record<string, string>> => {
    const file = options.get(`ssl-${name}`);
    if (file === undefined) return {};
    const opened = await openedFile(file);
    if (opened === undefined)
      throw new BackupError({
        kind: "configuration",
        doing: `read ssl-${name} ${file}`,
        found: "no such file",
      });
    return { [name]: opened.text };
  };
  return {
    ...(await pem("ca")),
    ...(await pem("cert")),
    ...(await pem("key")),
    rejectUnauthorized: ca !== undefined,
    verifyIdentity: mode === "VERIFY_IDENTITY" || isOn("ssl-verify-server-cert"),
  };
}

async function readOptions(config: MysqlHookConfig, { home, uid }: MysqlHost): Promise<Options> {
  const options = new Map<string, string>();
  if (config.optionFile === undefined) {
    for (const file of [...defaultFiles, `${home}/.my.cnf`]) {
      const opened = await openedFile(file);
      if (opened !== undefined) await readInto(options, opened, uid, 0);
    }
    return options;
  }
  const doing = `read the option file ${config.optionFile}`;
  const opened = await openedFile(config.optionFile);
  if (opened === undefined) throw new BackupError({ kind: "configuration", doing, found: "no such file" });
  await readInto(options, opened, uid, 0);
  // The job names this file for its secret; the system's files are as public as the clients let them be.
  if (options.has("password")) refuseExposed(opened, uid);
  return options;
}

async function readInto(
  options: Map<string, string>,
  file: OpenedFile,
  uid: number | undefined,
  depth: number,
): Promise<void> {
  refuseWritable(file, uid);
  let isOurs = false;
  for (const line of optionLines(file.text)) {
    if (line.kind === "group") isOurs = groups.includes(line.name);
    else if (line.kind === "option") {
      if (isOurs && (line.value !== undefined || line.name === "ssl"))
        options.set(line.name, line.value ?? "");
    } else if (depth < deepestInclude) {
      const included = line.kind === "include" ? [line.path] : await filesIn(line.path);
      for (const one of included) {
        const opened = await openedFile(one);
        if (opened !== undefined) await readInto(options, opened, uid, depth + 1);
      }
    }
  }
}

async function filesIn(directory: string): Promise<string[]> {
  const names = (await namesIn(directory)).filter((name) => name.endsWith(".cnf"));
  return names.map((name) => `${directory.replace(/\/+$/, "")}/${name}`);
}

/** The clients pass over a file that everybody can write; to pass over it silently would be worse. */
function refuseWritable({ path, mode }: OpenedFile, uid: number | undefined): void {
  if (uid === undefined || (mode & 0o002) === 0) return;
  const doing = `read the option file ${path}`;
  throw new BackupError({
    kind: "configuration",
    doing,
    found: "everybody can write it",
    remedy: `chmod o-w ${path}`,
  });
}
