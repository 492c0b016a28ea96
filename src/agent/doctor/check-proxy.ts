import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { ec2Host } from "../../aws/endpoint-host.ts";
import { failureOf } from "../../core/errors.ts";
import type { CheckResult, Finding } from "../../core/finding.ts";
import { nothingFound } from "../../core/finding.ts";
import { namesProxy } from "../route.ts";
import type { DoctorCheck } from "./check.ts";
import type { Ground } from "./ground.ts";

const variables = "HTTPS_PROXY, HTTP_PROXY and NO_PROXY";
const edit = "systemctl edit ec2-backup.service   # [Service] EnvironmentFile=/etc/ec2-backup/proxy.env";

export const proxy: DoctorCheck = {
  name: "proxy",
  about: "the proxy on the way to AWS",
  why: "without it no request to AWS leaves this host: every run ends with exit code 69",
  command: "curl -sS -m 5 -o /dev/null -w '%{http_connect}\\n' https://ec2.REGION.amazonaws.com/",
  async run(ground): Promise<CheckResult> {
    const { env } = ground.given.self;
    if (!namesProxy(env)) return nothingFound;
    const [passed, known] = await Promise.all([passes(ground), knownToServices(ground)]);
    const found = [passed, known ? undefined : unknownToServices(), await metadataOfOthers(ground)];
    return { findings: found.filter((one) => one !== undefined) };
  },
};

/** Opens a tunnel to where EC2 is, and asks nothing by it. */
async function passes(ground: Ground): Promise<Finding | undefined> {
  const { env } = ground.given.self;
  const [{ proxyFor }, { tunnel }, host] = await Promise.all([
    import("../../host/proxy-choice.ts"),
    import("../../host/proxy-agents.ts"),
    hostOfEc2(ground),
  ]);
  const to = { secure: true, host, port: 443 };
  try {
    const server = proxyFor(env, to);
    if (server !== undefined) (await tunnel(server, to, ground.timeout)).destroy();
    return undefined;
  } catch (error) {
    const { kind, found } = failureOf(error, "reach EC2");
    return {
      severity: "error",
      what: kind === "unexpected" && error instanceof Error ? error.message : found,
      why: proxy.why,
      advice: `${variables} of the environment say the way; what must pass is listed in README, "Where it has to live"`,
      command: `curl -sS -m 5 -o /dev/null -w '%{http_connect}\\n' https://${host}/`,
      kind: kind === "configuration" ? "configuration" : "unreachable",
    };
  }
}

async function hostOfEc2(ground: Ground): Promise<string> {
  const { env } = ground.given.self;
  const own = URL.parse(env["AWS_ENDPOINT_URL_EC2"] || env["AWS_ENDPOINT_URL"] || "");
  if (own?.protocol === "https:") return own.hostname;
  try {
    return await ec2Host((await ground.unsigned("the proxy")).connection);
  } catch {
    return `ec2.${env["AWS_REGION"] ?? "us-east-1"}.amazonaws.com`;
  }
}

/** What a shell has in its environment, a service and cron have not. */
async function knownToServices({ given }: Ground): Promise<boolean> {
  // Asked by a service, which has it.
  if (given.self.env["INVOCATION_ID"] !== undefined) return true;
  const etc = path.join(given.places.root, "etc");
  const system = path.join(etc, "systemd/system");
  const units = (await listed(system)).filter((name) => name.startsWith("ec2-backup"));
  const dropIns = units.filter((name) => name.endsWith(".d")).map((name) => path.join(system, name));
  const folders = [...dropIns, path.join(etc, "systemd/system.conf.d"), path.join(etc, "cron.d")];
  const inside = await Promise.all(
    folders.map(async (folder) => (await listed(folder)).map((name) => path.join(folder, name))),
  );
  const alone = ["systemd/system.conf", "crontab", "cron.daily/ec2-backup", "default/ec2-backup"];
  const own = units.filter((name) => name.endsWith(".service")).map((name) => path.join(system, name));
  const files = [...inside.flat(), ...own, ...alone.map((name) => path.join(etc, name))];
  const texts = await textsOf(files);
  // A login is no matter for `systemctl show`, so it stands in a file of its own.
  const named = texts.flatMap((text) => [...text.matchAll(/^\s*EnvironmentFile\s*=\s*-?(\/\S+)/gm)]);
  const more = await textsOf(named.map(([, file = ""]) => path.join(given.places.root, file)));
  return [...texts, ...more].some((text) => /^[^#;]*https?_proxy\s*=/im.test(text));
}

const textsOf = (files: readonly string[]): Promise<string[]> =>
  Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));

const listed = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

function unknownToServices(): Finding {
  return {
    severity: "warning",
    what: "the proxy stands in the environment of this shell only: neither a unit nor a table of cron names it",
    why: "a service and cron start with an environment of their own, and their runs would go past the proxy",
    command: edit,
  };
}

/** Ours never go there by a proxy; those of others do. */
async function metadataOfOthers({ given }: Ground): Promise<Finding | undefined> {
  const { env } = given.self;
  const metadata = { host: "169.254.169.254", port: 80 };
  const { listedAsDirect, variable } = await import("../../host/proxy-choice.ts");
  if (variable(env, "HTTP_PROXY") === undefined || listedAsDirect(env, metadata)) return undefined;
  return {
    severity: "note",
    what: "NO_PROXY does not name 169.254.169.254",
    why: "the agent asks the metadata service directly all the same; a hook that uses the AWS CLI would ask the proxy",
    command: "export NO_PROXY=169.254.169.254,fd00:ec2::254,$NO_PROXY",
  };
}
