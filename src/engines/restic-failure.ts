import { formatDuration } from "../core/duration.ts";
import { BackupError, type ErrorKind, type Failure, interrupted } from "../core/errors.ts";
import { unreadableCodes, unreadableIn } from "../core/mending.ts";
import type { RepositoryConfig } from "../core/store-ports.ts";
import type { ResticEnd } from "../host/restic-child.ts";
import { complaintIn, reasonIn } from "./restic-messages.ts";

/** The code of a failure that comes of restic's being killed by somebody else: it had no time to remove its lock. */
export const killedCode = "Killed";

/** What a failed process of restic means. `conceal` takes secrets out of what it said. */
export function failureOfRestic(
  end: ResticEnd,
  doing: string,
  config: RepositoryConfig,
  conceal: (text: string) => string,
): BackupError {
  const more = end.stuck === true ? "; it could not even be killed" : "";
  if (end.stopped === "abort") return interrupted(doing);
  const said = conceal(reasonIn(end.errors));
  if (end.stopped !== undefined) return stopped(end.stopped, doing, config, said, more);
  if (end.unstarted !== undefined)
    return new BackupError({
      kind: "configuration",
      doing,
      found: `restic cannot be started (${end.unstarted})`,
    });
  const meant = meaningOf(end.code, said, config) ?? unreadableMeaning(end, config, conceal);
  const { kind, found, remedy, code = end.signal === undefined ? undefined : killedCode } = meant;
  const how =
    end.signal === undefined ? `restic ended with ${end.code}` : `restic was ended by ${end.signal}`;
  return new BackupError({
    kind,
    doing,
    found: found ?? (said === "" ? how : `restic: ${said}`),
    ...(remedy === undefined ? {} : { remedy }),
    ...(code === undefined ? {} : { code }),
  });
}

function stopped(
  why: "idle" | "deadline",
  doing: string,
  config: RepositoryConfig,
  said: string,
  more: string,
): BackupError {
  const last = said === "" ? "" : `; the last it said: ${said}`;
  if (why === "idle") {
    const found = `nothing moved for ${formatDuration(config.idleTimeout)}, so restic was ended${more}${last}`;
    const remedy = `see whether ${config.name} answers, or allow more by idleTimeout`;
    return new BackupError({ kind: "unreachable", doing, found, remedy, code: "IdleTimeout" });
  }
  const found = `it was not done within ${formatDuration(config.deadline)}, so restic was ended${more}${last}`;
  const remedy = "allow more by deadline, or see why it takes so long";
  return new BackupError({ kind: "unreachable", doing, found, remedy, code: "Deadline" });
}

type Meaning = Pick<Failure, "kind" | "remedy" | "code"> & Partial<Pick<Failure, "found">>;

/** No cause is read out of an address or a path, which may hold what looks like a status of HTTP, such as a port. */
const addresses = /\b[a-z\d]+:\/\/\S+|(?<![^\s:"'])\/\S+/gi;

/** restic of 0.17 and later tells some causes by its exit code; the others are told by words alone. */
function meaningOf(code: number | undefined, said: string, config: RepositoryConfig): Meaning | undefined {
  if (code === 12 || /wrong password or no key found/.test(said))
    return { kind: "denied", code: "WrongPassword", remedy: passwordRemedy(config) };
  if (code === 11 || /already locked/.test(said)) return { kind: "locked", code: "RepositoryLocked" };
  const words = said.replace(addresses, "(address)");
  const known = meanings.find(({ pattern }) => pattern.test(words));
  if (known !== undefined) {
    const { kind, found, remedy } = known;
    return { kind, ...(found && { found }), ...(remedy && { remedy: remedy(config) }) };
  }
  if (code === 10 || /Is there a repository at|repository does not exist/.test(said))
    return { kind: "not-found", code: "NoRepository", remedy: missingRemedy(config) };
  return undefined;
}

/** Older ones tell of it before a trace of their calls, and no `Fatal:` after it. */
function unreadableMeaning(
  { signal, errors }: ResticEnd,
  { name }: RepositoryConfig,
  conceal: (text: string) => string,
): Meaning {
  const lines = signal === undefined ? errors.flatMap((one) => complaintIn(one).split("\n")) : [];
  const [first] = lines.flatMap((line) => {
    const file = unreadableIn(line);
    return file === undefined ? [] : [{ line, kind: file.kind }];
  });
  if (first === undefined) return { kind: "unexpected" };
  return {
    kind: "refused",
    code: unreadableCodes[first.kind],
    found: `restic: ${conceal(first.line.trim())}`,
    remedy: `on a host that may delete there: ec2-backup repository check ${name}, which mends an index, and says of a snapshot what to do`,
  };
}

interface Pattern {
  readonly pattern: RegExp;
  readonly kind: ErrorKind;
  /** In the place of what restic says, where that says less. */
  readonly found?: string;
  readonly remedy?: (config: RepositoryConfig) => string;
}

/** In the order in which they are looked at: the network goes before what cannot be found over it. */
const meanings: readonly Pattern[] = [
  {
    pattern: /failed to load snapshot.*(?:no such file|not exist|not found|NoSuchKey|404)/i,
    kind: "not-found",
  },
  {
    pattern: /x509:|certificate signed by unknown|tls: |certificate has expired/i,
    kind: "unreachable",
    remedy: ({ name }) => `name the certificate of its authority by cacert of the repository ${name}`,
  },
  {
    pattern: /Host key verification failed|REMOTE HOST IDENTIFICATION/i,
    kind: "denied",
    remedy: () => "write the server's host key to the known_hosts of the agent's user",
  },
  {
    pattern: /Permission denied \((?:publickey|password|keyboard|gssapi)/i,
    kind: "denied",
    remedy: () => "give the agent's user a key that the server takes, or name one in sftp.command",
  },
  {
    pattern:
      /connection refused|connection reset|no route to host|network is unreachable|no such host|i\/o timeout|timed? ?out|dial tcp|broken pipe|unexpected EOF|connection lost|Connection closed|Could not resolve|server misbehaving|ssh command exited|cmd exited|unable to start the sftp session|\bEOF\b|file already closed|\b50[0234] |Service Unavailable|exit status 255/i,
    kind: "unreachable",
    remedy: ({ name }) => `see whether the server of ${name} is up and can be reached from here`,
  },
  {
    pattern: /ExpiredToken|token.*expired/i,
    kind: "denied",
    remedy: () =>
      "the credentials ran out while restic was at work; those of an instance role last some hours",
  },
  {
    pattern: /Access ?Denied|InvalidAccessKeyId|SignatureDoesNotMatch|\b40[13]\b|Forbidden|Unauthorized/i,
    kind: "denied",
    remedy: ({ name }) =>
      `see what the login of ${name} may do; a server that only lets append refuses to forget and to prune`,
  },
  {
    pattern: /no space left|quota exceeded|disk full|ENOSPC|\b507 /i,
    kind: "cannot-write",
    remedy: () => "free some space there: prune removes what is forgotten",
  },
  {
    pattern: /all (?:target|source) directories\/files do not exist/i,
    kind: "configuration",
    remedy: () => "correct the paths of the job, or see whether their disk is mounted",
  },
  {
    pattern: /snapshot is empty|no data read/i,
    kind: "refused",
    found: "nothing came that could be stored",
    remedy: () => "see what the dump's program prints when it is run by hand",
  },
  {
    pattern: /config file already exists|already initialized/i,
    kind: "refused",
    remedy: () => "there is a repository already: nothing need be made",
  },
  { pattern: /permission denied|operation not permitted|read-only file system/i, kind: "denied" },
  { pattern: /no matching ID|not found in snapshot|failed to find snapshot|invalid id/i, kind: "not-found" },
];

function passwordRemedy({ password, name }: RepositoryConfig): string {
  const place = "file" in password ? password.file : "what the passwordCommand prints";
  return `correct ${place}; without the password of ${name} nobody can read it`;
}

/** Never to make one at once: a disk that is only not mounted looks the same. */
function missingRemedy({ name, url }: RepositoryConfig): string {
  const place = /^(?:\/|local:)/.test(url)
    ? "see whether its disk is mounted and the path is right"
    : "see whether its address is right";
  return `${place}; if there has never been one: ec2-backup repository init ${name}`;
}
