import { randomInt } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import https from "node:https";
import path from "node:path";
import { authorityFor } from "../fakes/tls-front.ts";

const host = "checkip.amazonaws.com";

/** AWS's service that tells who asks his address, under its own name for whoever is started so. */
export interface AddressService extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
}

export async function addressService(address: string): Promise<AddressService> {
  const { ca, key, cert } = await authorityFor([host]);
  const folder = path.dirname(ca);
  // Loopback has addresses enough for whoever else has the port of https.
  const place = `127.98.${randomInt(256)}.${randomInt(1, 255)}`;
  const server = https.createServer({ key, cert }, (_, response) => response.end(`${address}\n`));
  await once(server.listen(443, place), "listening");
  const standing = path.resolve(import.meta.dirname, "../fakes/another-address.cjs");
  return {
    env: {
      NODE_EXTRA_CA_CERTS: ca,
      NODE_OPTIONS: `--require=${standing}`,
      STANDS_FOR: host,
      STANDS_AT: place,
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
