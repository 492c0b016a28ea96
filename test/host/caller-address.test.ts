import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { callerAddress } from "../../src/host/caller-address.ts";

async function asked(status: number, text: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(text)).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return callerAddress(new AbortController().signal, `http://127.0.0.1:${port}/`);
}

test("this host's address is what the service says, as a CIDR of one", async () => {
  expect(await asked(200, "203.0.113.7\n")).toBe("203.0.113.7/32");
  expect(await asked(200, "2001:db8::7\n")).toBe("2001:db8::7/128");
});

test("what is no address is not believed, and silence says what to do", async () => {
  await expect(asked(200, "0.0.0.0/0")).rejects.toThrow(/the answer is no address; say it by --from/);
  await expect(asked(503, "203.0.113.7")).rejects.toThrow(/it answered 503; say it by --from/);
  const nobody = callerAddress(new AbortController().signal, "http://127.0.0.1:1/");
  await expect(nobody).rejects.toThrow(/ECONNREFUSED; say it by --from/);
});
