import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { metadataPaths } from "../../src/host/metadata-paths.ts";

const never = new AbortController().signal;

interface Service {
  readonly url: string;
  readonly asked: string[];
}

/** A metadata service whose tokens are t1, t2 ..., and which answers as it is told. */
async function service(
  answer: (path: string, token: string, response: ServerResponse) => void,
): Promise<Service> {
  const asked: string[] = [];
  let tokens = 0;
  const server = createServer((request, response) => {
    const { method, url = "", headers } = request;
    asked.push(`${method} ${url}`);
    if (method === "PUT") {
      tokens += 1;
      response.end(headers["x-aws-ec2-metadata-token-ttl-seconds"] === "21600" ? `t${tokens}` : "");
    } else answer(url, String(headers["x-aws-ec2-metadata-token"]), response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const status =
  (code: number, text = "") =>
  (_: string, __: string, response: ServerResponse) =>
    void response.writeHead(code).end(text);

describe("values of the metadata service", () => {
  test("are asked for with one token, which is fetched anew when it is not taken any more", async () => {
    let good = "t1";
    const { url, asked } = await service((path, token, response) => {
      if (token !== good) status(401)(path, token, response);
      else response.end(`${path} by ${token}`);
    });
    const metadata = metadataPaths(url, 5_000);
    expect(await metadata.read("a", never)).toBe("/latest/meta-data/a by t1");
    expect(await metadata.read("b/c", never)).toBe("/latest/meta-data/b/c by t1");
    good = "t2";
    expect(await metadata.read("a", never)).toBe("/latest/meta-data/a by t2");
    expect(asked.filter((one) => one.startsWith("PUT"))).toHaveLength(2);
  });

  test("are absent where there are none, and a failure is told as what it is", async () => {
    const absent = await service(status(404));
    expect(await metadataPaths(absent.url, 5_000).read("spot/instance-action", never)).toBeUndefined();
    const broken = await service(status(500, "{}"));
    await expect(metadataPaths(broken.url, 5_000).read("a", never)).rejects.toThrow("answers 500 for a");
    const denying = await service(status(401));
    await expect(metadataPaths(denying.url, 5_000).read("a", never)).rejects.toThrow("answers 401");
    await expect(metadataPaths("http://127.0.0.1:9", 5_000).read("a", never)).rejects.toThrow(
      "cannot be reached",
    );
  });

  test("are not waited for beyond the time, also where a byte comes now and then", async () => {
    const slow = await service((_, __, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write("x"), 50);
      response.on("close", () => clearInterval(drip));
    });
    const began = performance.now();
    await expect(metadataPaths(slow.url, 400).read("a", never)).rejects.toThrow(
      "does not answer within 0.4 s",
    );
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test("are not read without end, and not when told to stop", async () => {
    const endless = await service((_, __, response) => void response.end("x".repeat(1_000_000)));
    await expect(metadataPaths(endless.url, 5_000).read("a", never)).rejects.toThrow("without end");
    const silent = await service(() => undefined);
    const stop = new AbortController();
    const reading = metadataPaths(silent.url, 60_000).read("a", stop.signal);
    stop.abort();
    await expect(reading).rejects.toThrow("told to stop");
  });
});
