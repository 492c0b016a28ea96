import { Agent, createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createNetServer, Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { connect, type Route } from "../../src/aws/connection.ts";
import { awsFailureOfUnrepeatable } from "../../src/aws/failure.ts";
import { connectRunCommand } from "../../src/aws/run-command.ts";
import { proxyAgents } from "../../src/host/proxy-agents.ts";

const order = { instanceId: "i-1", document: "AWSEC2-VssInstallAndSnapshot", parameters: {}, comment: "" };

/** What becomes of a command that is sent to this address. */
function send(endpoint: string, route?: Route): Promise<unknown> {
  vi.stubEnv("AWS_ENDPOINT_URL", endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  onTestFinished(() => void vi.unstubAllEnvs());
  const options = {
    region: "eu-central-1",
    userAgent: [["test", "1"]] as const,
    requestTimeout: 5_000,
    route,
  };
  return connectRunCommand(connect(options)).send(order);
}

async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  ["InvalidInstanceId", 400, "refused"],
  ["ValidationException", 400, "refused"],
  ["AccessDeniedException", 400, "denied"],
  ["ThrottlingException", 400, "throttled"],
  ["InternalServerError", 500, "unknown-outcome"],
])("a refusal that has a name is what it is: %s", async (name, status, kind) => {
  const address = await serving((_, response) => {
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify({ __type: name, message: "no" }));
  });
  await expect(send(`http://${address}`)).rejects.toMatchObject({ kind });
});

test.each([
  [403, "<html>Forbidden</html>"],
  [408, ""],
  [400, "{}"],
  [502, "<html>Bad Gateway</html>"],
])("an answer %i of somebody between decides nothing", async (status, body) => {
  const address = await serving((_, response) => {
    response.writeHead(status, { "content-type": "text/html" });
    response.end(body);
  });
  await expect(send(`http://${address}`)).rejects.toMatchObject({ kind: "unknown-outcome" });
});

test("a proxy that does not connect has not passed it on", async () => {
  const proxy = createServer();
  proxy.on("connect", (_, socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"));
  proxy.listen(0, "127.0.0.1");
  onTestFinished(() => void proxy.close());
  await new Promise((resolve) => proxy.once("listening", resolve));
  const env = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const route: Route = async (patience) => proxyAgents({ env, patience, keepAlive: false });
  await expect(send("https://ssm.example.test", route)).rejects.toMatchObject({
    kind: "unreachable",
    code: "EPROXY",
  });
});

test("nobody is there, or the name is nobody's", async () => {
  const server = createNetServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await expect(send(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ kind: "unreachable" });
  await expect(send("http://nobody.invalid")).rejects.toMatchObject({ kind: "unreachable" });
});

test("a connection that never came about carried nothing, and one that did may have", () => {
  const kindOf = (facts: object) =>
    awsFailureOfUnrepeatable(Object.assign(new Error("connect ETIMEDOUT 192.0.2.1:443"), facts), "run").kind;
  expect(kindOf({ code: "ETIMEDOUT", syscall: "connect" })).toBe("unreachable");
  expect(kindOf({ code: "ETIMEDOUT", syscall: "read" })).toBe("unknown-outcome");
  expect(kindOf({ code: "ECONNRESET", syscall: "read" })).toBe("unknown-outcome");
});

test("a connection that takes too long is known by the SDK's own words", async () => {
  const httpAgent = new Agent();
  // A socket that is connecting and stays so.
  httpAgent.createConnection = () => Object.defineProperty(new Socket(), "connecting", { value: true });
  const route: Route = async () => ({ httpAgent, connectionTimeout: 50 });
  await expect(send("http://192.0.2.1", route)).rejects.toMatchObject({
    kind: "unreachable",
    code: "TimeoutError",
  });
});
