import type { Connection } from "./connection.ts";

/** How the metadata service is asked: its address and a token of version 2. */
export interface MetadataAccess {
  readonly endpoint: string;
  readonly token: string;
}

/** No run waits long for something that it can do without. Milliseconds. */
const patience = 1_000;

/**
 * The user data byte by byte, which may be compressed and so is no text; empty where the instance has none (404),
 * absent where the metadata service does not give it in time. Never throws.
 */
export async function readUserData(
  { ec2 }: Connection,
  { endpoint, token }: MetadataAccess,
): Promise<Uint8Array | undefined> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), patience);
  try {
    const { protocol, hostname, port } = new URL(endpoint);
    const reading = read();
    const late = new Promise<undefined>((resolve) => {
      limit.signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    return await Promise.race([reading.catch(() => undefined), late]);

    async function read(): Promise<Uint8Array | undefined> {
      const { response } = await ec2.config.requestHandler.handle(
        {
          protocol,
          hostname,
          ...(port === "" ? {} : { port: Number(port) }),
          path: "/latest/user-data",
          method: "GET",
          headers: { "x-aws-ec2-metadata-token": token },
          query: {},
        } as never,
        { abortSignal: limit.signal, requestTimeout: patience },
      );
      const parts: Uint8Array[] = [];
      for await (const part of response.body as AsyncIterable<Uint8Array>) parts.push(part);
      if (response.statusCode === 404) return new Uint8Array();
      if (response.statusCode !== 200) return undefined;
      const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return bytes;
    }
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
