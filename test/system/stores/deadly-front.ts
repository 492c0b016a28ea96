import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { RestServer } from "./rclone.ts";

/** Passes HTTP on to a REST server, and kills that in the middle of the next file of a snapshot, if told to. */
export interface DeadlyFront extends AsyncDisposable {
  /** The address of that repository by this way. */
  url(repository: string): string;
  /** The name of the snapshot of which the server has begun the file when it is killed. Nobody is reached then. */
  killAtSnapshot(): Promise<string>;
  /** Starts the server again. */
  restart(): Promise<void>;
}

export async function deadlyFront(server: RestServer, repository: string): Promise<DeadlyFront> {
  const served = new URL(server.repository(repository).url.slice("rest:".length));
  const ca = await readFile(server.repository(repository).cacert ?? "");
  const shelf = server.shelf(repository);
  let kill: ((name: string) => void) | undefined;
  const front = http.createServer((near, answer) => {
    const { method, headers, url = "" } = near;
    const far = https.request(new URL(url, served), { method, headers, ca });
    near.on("error", () => undefined);
    far.on("error", () => near.socket.destroy());
    far.on("response", (said) => {
      answer.writeHead(said.statusCode ?? 500, said.headers);
      said.pipe(answer);
    });
    const [, name] = /\/snapshots\/([0-9a-f]{64})$/.exec(url) ?? [];
    if (method !== "POST" || name === undefined || kill === undefined) return void near.pipe(far);
    const told = kill;
    kill = undefined;
    far.flushHeaders();
    const look = setInterval(async () => {
      if (!(await shelf.names("snapshots")).includes(name)) return;
      clearInterval(look);
      await server.crash();
      front.close();
      front.closeAllConnections();
      told(name);
    }, 10);
  });
  const listen = (port: number) => new Promise<void>((resolve) => front.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = front.address() as AddressInfo;
  return {
    url: (name) => `rest:http://127.0.0.1:${port}/${name}/`,
    killAtSnapshot: () => new Promise((resolve) => (kill = resolve)),
    async restart() {
      await server.start();
      await listen(port);
    },
    async [Symbol.asyncDispose]() {
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
    },
  };
}
