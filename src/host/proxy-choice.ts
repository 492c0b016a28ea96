import { BlockList, isIP, isIPv6 } from "node:net";
import { BackupError } from "../core/errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a request goes instead of to its host. */
export interface ProxyServer {
  /** Without the login; for people. */
  readonly shown: string;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`, a secret. */
  readonly authorization?: string;
}

/** Whom a request is for. */
export interface Destination {
  readonly secure: boolean;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

/** Never through a proxy, whatever NO_PROXY says: behind it is another machine's metadata, or none. */
const metadataHosts = new Set(["169.254.169.254", "fd00:ec2::254"]);

/** What the variables say. As in curl and Node, the name in small letters comes first. */
export function variable(env: Environment, name: string): string | undefined {
  return (env[name.toLowerCase()] || env[name.toUpperCase()])?.trim() || undefined;
}

/** Whether anything is to be done at all; nothing of this file need be loaded otherwise. */
export function proxyFor(env: Environment, to: Destination): ProxyServer | undefined {
  const name = to.secure ? "HTTPS_PROXY" : "HTTP_PROXY";
  const given = variable(env, name);
  if (given === undefined || goesDirect(env, to)) return undefined;
  return proxyOf(given, name);
}

/**
 * NO_PROXY as curl reads it: names with all below them, addresses, networks (`10.0.0.0/8`), `*` for everything;
 * separated by commas or spaces. Beyond that, `*.name` is what `.name` is, and `host:port` is that port alone.
 */
export function goesDirect(env: Environment, to: Destination): boolean {
  return metadataHosts.has(plain(to.host)) || isOwnMetadata(env, to) || listedAsDirect(env, to);
}

/** The address that the SDK is told to take for the metadata service. */
function isOwnMetadata(env: Environment, { host, port }: Destination): boolean {
  const given = URL.parse(env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "");
  return given !== null && plain(given.hostname) === plain(host) && Number(given.port || 80) === port;
}

/** Whether NO_PROXY itself names it. */
export function listedAsDirect(env: Environment, { host, port }: Omit<Destination, "secure">): boolean {
  const name = plain(host);
  const entries = (variable(env, "NO_PROXY") ?? "").toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => entry !== "" && matches(entry, name, port));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  const [, bracketed, alone, itsPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  // An IPv6 address without brackets has no port.
  const wanted = plain(bracketed ?? alone ?? entry);
  if (itsPort !== undefined && Number(itsPort) !== port) return false;
  if (isIP(host) !== 0) return wanted.includes("/") ? lies(host, wanted) : sameAddress(host, wanted);
  const domain = wanted.replace(/^\*?\./, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}

function lies(host: string, network: string): boolean {
  const [address = "", bits = ""] = network.split("/");
  return inside(host, address, Number(bits || Number.NaN));
}

function sameAddress(host: string, other: string): boolean {
  return isIP(other) !== 0 && inside(host, other, isIPv6(other) ? 128 : 32);
}

function inside(host: string, network: string, bits: number): boolean {
  const family = isIP(network);
  const most = family === 6 ? 128 : 32;
  if (family === 0 || family !== isIP(host) || !Number.isInteger(bits) || bits > most) return false;
  const list = new BlockList();
  const kind = family === 6 ? "ipv6" : "ipv4";
  list.addSubnet(network, bits, kind);
  return list.check(host, kind);
}

/** Without brackets, the dot of the root and big letters. */
function plain(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

/** Throws `configuration` without a word of the value, which may hold a password. */
function proxyOf(given: string, name: string): ProxyServer {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`);
  const doing = `use the proxy of ${name}`;
  const remedy = "write it as http://host:port, with user:password@ before the host if it wants a login";
  if (url === null || url.hostname === "")
    throw new BackupError({ kind: "configuration", doing, found: "its value is no address", remedy });
  const { protocol, hostname, port } = url;
  if (protocol !== "http:" && protocol !== "https:") {
    const found = `proxies of the kind ${protocol} are not spoken to`;
    throw new BackupError({ kind: "configuration", doing, found, remedy });
  }
  const secure = protocol === "https:";
  const number = Number(port || (secure ? 443 : 80));
  const authorization = loginOf(url);
  return {
    shown: `${protocol}//${hostname}:${number}`,
    secure,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: number,
    ...(authorization === undefined ? {} : { authorization }),
  };
}

function loginOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const login = `${decoded(username)}:${decoded(password)}`;
  return `Basic ${Buffer.from(login).toString("base64")}`;
}

/** A percent sign that begins no escape means itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
