/** A subnet. */
export interface Subnet {
  id: string;
  zone: string;
  vpc: string;
  /** Whether it is the default one of its zone. */
  default: boolean;
  /** Whether instances get public addresses in it. */
  publicIps: boolean;
}

/** A security group. Times are of the `elapsed` hand. */
export interface SecurityGroup {
  id: string;
  name: string;
  vpc: string;
  description: string;
  tags: Record<string, string>;
  /** From when calls see it. */
  visibleFrom: number;
  ingress: { protocol: string; from: number; to: number; cidr: string }[];
}

/** A key pair, of which EC2 has the public half only. */
export interface KeyPair {
  id: string;
  name: string;
  type: "ed25519" | "rsa";
  /** As it came: `ssh-ed25519 AAAA… comment`. */
  publicKey: string;
  tags: Record<string, string>;
  visibleFrom: number;
  createTime: number;
}

/** A subnet as the scenario tells it. */
export function makeSubnet(given: Pick<Subnet, "id" | "zone" | "vpc"> & Partial<Subnet>): Subnet {
  return { default: true, publicIps: true, ...given };
}

/** A security group as the scenario tells it. */
export function makeGroup(
  given: Pick<SecurityGroup, "id" | "name" | "vpc"> & Partial<SecurityGroup>,
): SecurityGroup {
  return { description: given.name, tags: {}, visibleFrom: 0, ingress: [], ...given };
}

/** What becomes of instances that are launched. */
export interface LaunchOptions {
  /** The public address that each gets in a subnet that gives any; null: none. Default null. */
  publicIp: string | null;
  /** What the console of each shows once it has come up. Default: a boot that names no key of a host. */
  console: string;
  /** Seconds from running until GetConsoleOutput has it ("shortly after" an instance comes up). Default 0. */
  consoleAfter: number;
}
