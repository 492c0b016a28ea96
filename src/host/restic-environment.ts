import { BackupError } from "../core/errors.ts";
import type { PasswordSource, RepositoryConfig } from "../core/store-ports.ts";
import { findProgram, refuseUntrusted } from "./find-program.ts";
import { openedFile, refuseExposed } from "./private-file.ts";
import { systemPath } from "./system-path.ts";

/** The process that starts restic. */
export interface ResticOwner {
  /** Absent on Windows. */
  readonly uid: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cacheDirectory: string;
  /** What servers have not confirmed is noted below it, by repository. */
  readonly unconfirmedDirectory: string;
}

/** What restic is told by its environment: secrets and addresses are no arguments, which every user could read. */
export interface ResticAccess {
  /** Of the repository itself, which nobody else's may overwrite. */
  readonly repository: string;
  readonly passwordFile?: string;
  readonly passwordCommand?: string;
  /** From the environment file. */
  readonly more: Readonly<Record<string, string>>;
}

/** What of our own environment restic needs: how the network is reached, and who the user is. */
const inherited = [
  "USER",
  "LOGNAME",
  "TMPDIR",
  "SSH_AUTH_SOCK",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "http_proxy",
  "HTTP_PROXY",
  "https_proxy",
  "HTTPS_PROXY",
  "no_proxy",
  "NO_PROXY",
  "all_proxy",
  "ALL_PROXY",
  // Windows finds neither the network nor the home of a user without them.
  "SystemRoot",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
  "TEMP",
  "TMP",
  "PATHEXT",
];

/** What every process of restic gets, whatever the repository. */
export function commonEnvironment({ env, home, uid, cacheDirectory }: ResticOwner): Record<string, string> {
  const passed = inherited.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return {
    ...Object.fromEntries(passed),
    PATH: uid === undefined ? (env["PATH"] ?? env["Path"] ?? "") : systemPath,
    LANG: "C.UTF-8",
    HOME: home,
    // It reads the time of a snapshot as local time.
    TZ: "UTC",
    RESTIC_CACHE_DIR: cacheDirectory,
    RESTIC_PROGRESS_FPS: "2",
  };
}

/** Looks at the files that the configuration of a repository names. Rejects with a BackupError of kind `configuration`. */
export async function resticAccess(
  config: RepositoryConfig,
  owner: ResticOwner,
  signal: AbortSignal,
): Promise<ResticAccess> {
  const more = config.environmentFile === undefined ? {} : await fromFile(config.environmentFile, owner.uid);
  const { RESTIC_REST_USERNAME: user, RESTIC_REST_PASSWORD: password, ...others } = more;
  const login = user !== undefined && password !== undefined ? { user, password } : undefined;
  return {
    repository: withLogin(config.url, login),
    ...(await passwordOf(config.password, owner.uid, signal)),
    more: others,
  };
}

/** restic of Debian 12 does not read a login of a REST server from variables; its address is in one in any case. */
function withLogin(url: string, login: { user: string; password: string } | undefined): string {
  const match = /^(rest:https?:\/\/)([^/@]*\/.*|[^/@]*)$/.exec(url);
  if (login === undefined || match === null) return url;
  return `${match[1]}${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@${match[2]}`;
}

async function passwordOf(
  source: PasswordSource,
  uid: number | undefined,
  signal: AbortSignal,
): Promise<Pick<ResticAccess, "passwordFile" | "passwordCommand">> {
  if ("file" in source) {
    const doing = `use the password in ${source.file}`;
    const remedy = "write the repository's password into it, with mode 600, and keep a copy elsewhere";
    const file = await openedFile(source.file);
    if (file === undefined)
      throw new BackupError({ kind: "configuration", doing, found: "no such file", remedy });
    refuseExposed(file, uid);
    if (file.text.trim() === "")
      throw new BackupError({ kind: "configuration", doing, found: "an empty file", remedy });
    return { passwordFile: source.file };
  }
  const [name = "", ...words] = source.command;
  const program = uid === undefined ? name : await findProgram(name, { path: systemPath }, signal);
  if (uid !== undefined) await refuseUntrusted(program, [{ uid, name: "the agent's user" }]);
  return { passwordCommand: [program, ...words].map(quoted).join(" ") };
}

/** As restic reads a command: it knows quotes, and no way to write one of them inside itself. */
function quoted(word: string): string {
  if (/^[\w./:=@+,-]+$/.test(word)) return word;
  const quote = word.includes("'") ? '"' : "'";
  if (word === "" || word.includes(quote) || /\\(?:['"]|$)/.test(word))
    throw new BackupError({
      kind: "configuration",
      doing: "use the passwordCommand",
      found: "an empty word, or one with both kinds of quotes or a backslash before one",
      remedy: "write the command into a script, and name that",
    });
  return `${quote}${word}${quote}`;
}

/** What we say ourselves; a second word on it would decide which repository is meant. */
const ours = /^(?:RESTIC_(?:FROM_)?(?:REPOSITORY|PASSWORD)(?:_.*)?|RESTIC_PROGRESS_FPS|LD_.*|TZ)$/;

async function fromFile(path: string, uid: number | undefined): Promise<Readonly<Record<string, string>>> {
  const doing = `read the environment file ${path}`;
  const file = await openedFile(path);
  if (file === undefined) throw new BackupError({ kind: "configuration", doing, found: "no such file" });
  refuseExposed(file, uid, "environment");
  const found: Record<string, string> = {};
  for (const [index, line] of file.text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    // The line itself is not told: it may be a secret.
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(line);
    const fail = (what: string): never => {
      throw new BackupError({ kind: "configuration", doing, found: `line ${index + 1}: ${what}` });
    };
    const [, name = fail("it is not KEY=value"), value = ""] = match ?? [];
    if (ours.test(name)) fail(`${name} is set by the agent itself`);
    found[name] = unquoted(value.trim());
  }
  return found;
}

function unquoted(value: string): string {
  return /^(["']).*\1$/s.test(value) && value.length > 1 ? value.slice(1, -1) : value;
}
