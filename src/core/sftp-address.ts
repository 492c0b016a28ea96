/** Where an SFTP repository lies, as restic reads its address. */
export interface SftpAddress {
  readonly host: string;
  readonly port?: string;
  readonly user?: string;
  /** Absolute, or from the directory that a login leads to. */
  readonly path: string;
}

/** Reads `sftp:user@host:/path` and `sftp://user@host:port//path`; absent of what is neither. */
export function sftpAddress(url: string): SftpAddress | undefined {
  const long = /^sftp:\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/@]+)(?::(\d+))?\/(.*)$/.exec(url);
  if (long !== null) {
    const [, user, host = "", port, path = ""] = long;
    return { host: host.replace(/^\[|\]$/g, ""), path, ...named({ user, port }) };
  }
  const short = /^sftp:(?:([^:/]*)@)?(\[[^\]]+\]|[^:/@]+):(.*)$/.exec(url);
  if (short === null) return undefined;
  const [, user, host = "", path = ""] = short;
  return { host: host.replace(/^\[|\]$/g, ""), path, ...named({ user }) };
}

function named(parts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const given = Object.entries(parts).filter((one): one is [string, string] => (one[1] ?? "") !== "");
  return Object.fromEntries(given);
}
