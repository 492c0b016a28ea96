import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HttpRequest } from "./api-request.ts";
import { type Control, createControl } from "./control.ts";
import { answerControl } from "./control-routes.ts";
import { dispatch, type Ending } from "./dispatch.ts";
import { dispatchImds } from "./dispatch-imds.ts";
import { createRuntime, type Runtime } from "./runtime.ts";
import type { Scenario } from "./scenario.ts";
import { readScenario } from "./scenario-check.ts";

/** What to simulate and where. */
export interface SimulatorOptions {
  /** Default: one instance with three volumes. */
  scenario?: Scenario;
  /** Default 0: any free one. */
  port?: number;
  /** Where state is kept; without it, it is gone with the simulator. */
  stateDirectory?: string;
}

/** A running simulator. */
export interface Simulator {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** What to export so that standard AWS clients find it. */
  readonly environment: Readonly<Record<keyof ReturnType<typeof environmentOf>, string>>;
  readonly control: Control;
  /** Cuts every connection off and clears up. */
  close(): Promise<void>;
}

/**
 * Starts a simulator on 127.0.0.1.
 * @throws ScenarioError naming every fault of the scenario, StoreError, or what listening throws.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const runtime = createRuntime(readScenario(options.scenario ?? {}), options.stateDirectory);
  const control = createControl(runtime);
  const server = createServer((request, response) => {
    serve(runtime, control, request, response).catch((error: unknown) => {
      // A fault of the simulator itself: told to whoever asked, where a test will see it.
      const told = error instanceof Error ? error.stack : String(error);
      response.writeHead(500, { "content-type": "text/plain" }).end(`fault of the simulator: ${told}`);
    });
  });
  // A client may hold a connection over the jumps of simulated time.
  server.keepAliveTimeout = 120_000;
  const url = await listen(server, options.port ?? 0).catch((error: unknown) => {
    runtime.close();
    throw error;
  });
  runtime.url = url;
  // With a clock that runs, alarms ring without anybody calling.
  const ticking = setInterval(() => runtime.playAlarms(), 250);
  ticking.unref();
  void runtime.deliver();
  return {
    url,
    environment: environmentOf(url, runtime.places.home.settings.region),
    control,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      clearInterval(ticking);
      server.closeAllConnections();
      runtime.close();
      await closed;
    },
  };
}

// The Region twice: the AWS CLI before version 2 and boto3 read only the second name.
function environmentOf(url: string, region: string) {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  };
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(
  runtime: Runtime,
  control: Control,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await receive(message);
  if (request === undefined) return;
  const ending = await route(runtime, control, request);
  // Clients read the time from here; it is the simulated one.
  response.setHeader("Date", new Date(runtime.clock.now()).toUTCString());
  finish(message, response, ending);
}

async function route(runtime: Runtime, control: Control, request: HttpRequest): Promise<Ending> {
  if (request.path.startsWith("/_simulator/"))
    return { kind: "answer", answer: await answerControl(control, request) };
  if (request.path.startsWith("/latest/")) return await dispatchImds(runtime, request);
  return await dispatch(runtime, request);
}

/** The whole request, or undefined when its sender went away. */
async function receive(message: IncomingMessage): Promise<HttpRequest | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  // The SDK's metadata client puts two slashes before a path, and the real service minds as little.
  const [path = "/", query = ""] = (message.url ?? "/").replace(/^\/+/, "/").split("?", 2);
  return {
    method: message.method ?? "GET",
    path,
    query,
    headers: message.headers,
    body: Buffer.concat(chunks),
  };
}

function finish(message: IncomingMessage, response: ServerResponse, ending: Ending): void {
  switch (ending.kind) {
    case "hang":
      return;
    case "reset":
      message.socket.resetAndDestroy();
      return;
    case "truncated": {
      const { status, headers, body } = ending.answer;
      response.writeHead(status, { ...headers, "content-length": body.length });
      response.write(body.subarray(0, Math.floor(body.length / 2)), () => message.socket.destroy());
      return;
    }
    case "answer": {
      const { status, headers, body } = ending.answer;
      response.writeHead(status, { ...headers, "content-length": body.length });
      response.end(body);
    }
  }
}
