import { rm } from "node:fs/promises";
import https from "node:https";
import { connect } from "node:net";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { type Agents, proxyAgents } from "../../src/host/proxy-agents.ts";
import { connectProxy } from "../fakes/connect-proxy.ts";
import { listening } from "../fakes/listening.ts";
import { authorityFor } from "../fakes/tls-front.ts";

const authority = authorityFor(["ec2.example.org", "127.0.0.1"]);
afterAll(async () => rm(path.dirname((await authority).ca), { recursive: true, force: true }));

const through = (env: Record<string, string>, caBundle: string): Agents =>
  proxyAgents({ env, caBundle, patience: 2_000, keepAlive: true });

function get(agent: https.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get("https://ec2.example.org/", { agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
  });
}

test("a tunnel is used again, so that the request that matters finds it open", async () => {
  const { ca, ...signed } = await authority;
  const to = await listening(https.createServer(signed, (_, response) => response.end("here")));
  const proxy = await connectProxy({ to });
  const { httpsAgent } = through({ HTTPS_PROXY: proxy.url }, ca);
  for (let round = 0; round < 3; round += 1) expect(await get(httpsAgent)).toBe("here");
  expect(proxy.asked).toHaveLength(1);
  httpsAgent.destroy();
});

test("the way to the proxy may be encrypted too", async () => {
  const { ca, ...signed } = await authority;
  const to = await listening(https.createServer(signed, (_, response) => response.end("here")));
  const asked: string[] = [];
  const proxy = https.createServer(signed);
  proxy.on("connect", (request, client) => {
    asked.push(request.url ?? "");
    const onward = connect(to, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(client).pipe(onward);
    });
    client.on("close", () => onward.destroy());
    client.on("error", () => undefined);
  });
  const { httpsAgent } = through({ HTTPS_PROXY: `https://127.0.0.1:${await listening(proxy)}` }, ca);
  expect(await get(httpsAgent)).toBe("here");
  expect(asked).toEqual(["ec2.example.org:443"]);
  httpsAgent.destroy();
});

test("whoever is behind the proxy must still show a certificate of his own name", async () => {
  const { key, cert, ca } = await authority;
  const to = await listening(https.createServer({ key, cert }, (_, response) => response.end("here")));
  const proxy = await connectProxy({ to });
  const { httpsAgent } = through({ HTTPS_PROXY: proxy.url }, ca);
  const other = new Promise((_, reject) => {
    https.get("https://other.example.org/", { agent: httpsAgent }).on("error", reject);
  });
  await expect(other).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  httpsAgent.destroy();
});
