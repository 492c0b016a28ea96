import type { Route } from "../aws/connection.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What stands between this host and AWS, if the environment says that something does. Loaded only then. */
export function routeOf(env: Environment): Route | undefined {
  const caBundle = env["AWS_CA_BUNDLE"] || undefined;
  if (caBundle === undefined && !namesProxy(env)) return undefined;
  return async (patience) => {
    const { proxyAgents } = await import("../host/proxy-agents.ts");
    return proxyAgents({ env, patience, keepAlive: true, caBundle });
  };
}

/** Whether the environment names a proxy at all. */
export function namesProxy(env: Environment): boolean {
  return ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"].some((name) => !!env[name]?.trim());
}
