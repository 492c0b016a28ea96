import http from "node:http";
import { listening } from "./listening.ts";

/** One request as the service heard it. */
interface Heard {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly rid: string | null;
  readonly body: string;
}

export type Answer = (heard: Heard, response: http.ServerResponse, number: number) => void;

/** A service that waits for signs of life, on loopback; what it answers is the test's. It goes with the test. */
export interface PingService {
  readonly url: string;
  readonly port: number;
  readonly heard: readonly Heard[];
}

export async function pingService(
  answer: Answer = (_, response) => response.end("OK"),
): Promise<PingService> {
  const heard: Heard[] = [];
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (more: string) => {
      body += more;
    });
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
      const one = { method: request.method ?? "", path: pathname, rid: searchParams.get("rid"), body };
      heard.push(one);
      answer(one, response, heard.length);
    });
  });
  const port = await listening(server);
  return { url: `http://127.0.0.1:${port}/hush-hush`, port, heard };
}
