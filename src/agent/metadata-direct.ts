import http from "node:http";

/**
 * Where Node is told to go by proxies itself (NODE_USE_ENV_PROXY), all requests without an agent of their own do.
 * Those are the ones to the metadata service, which must never leave this host.
 */
export function keepMetadataDirect(): void {
  http.globalAgent = new http.Agent({ keepAlive: true, timeout: 5_000 });
}
