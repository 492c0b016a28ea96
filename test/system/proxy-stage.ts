import { rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { type ConnectProxy, connectProxy, type ProxyWish } from "../fakes/connect-proxy.ts";
import { type Authority, authorityFor, tlsFront } from "../fakes/tls-front.ts";
import { agent, Bench, type Ended, execute } from "./bench.ts";
import { scenarioOf } from "./history.ts";

/** AWS's own host names, behind a proxy and nowhere else; the metadata service is on this host. */
export interface ProxyStage {
  readonly bench: Bench;
  readonly proxy: ConnectProxy;
  /** The file of the authority that signed what is behind the proxy. */
  readonly ca: string;
  /** Starts the agent with no address of AWS, but with the proxy and the authority. */
  ask(words: readonly string[], more?: Readonly<Record<string, string>>): Promise<Ended>;
}

export const hosts = ["ec2", "monitoring", "sns", "kms"].map((name) => `${name}.eu-central-1.amazonaws.com`);

/** One for all tests of a file. */
let authority: Promise<Authority> | undefined;
afterAll(async () => {
  const made = await authority;
  if (made !== undefined) await rm(path.dirname(made.ca), { recursive: true, force: true });
});

export async function proxyStage(
  wish: ProxyWish = {},
  region = "eu-central-1",
  names: readonly string[] = hosts,
): Promise<ProxyStage> {
  const bench = await Bench.start({ ...scenarioOf(2, 0, { limits: false }), region });
  onTestFinished(() => bench[Symbol.asyncDispose]());
  authority ??= authorityFor(names);
  const { ca, ...signed } = await authority;
  const to = await tlsFront(signed, bench.simulator.url);
  const proxy = await connectProxy({ to, ...wish });
  const { AWS_ENDPOINT_URL: _, ...rest } = bench.simulator.environment as Record<string, string>;
  return {
    bench,
    proxy,
    ca,
    ask: (words, more = {}) =>
      execute([process.execPath, agent, ...words, "--config", bench.config], {
        ...rest,
        STATE_DIRECTORY: bench.state,
        HTTPS_PROXY: proxy.url,
        NODE_EXTRA_CA_CERTS: ca,
        ...more,
      }),
  };
}
