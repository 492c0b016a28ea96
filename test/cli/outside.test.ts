import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { folder, isLinux, need } from "../host/places.ts";
import { agent, execute } from "../system/bench.ts";
import { needRestic, systemRestic } from "../system/stores/restics.ts";

beforeEach((context) => need(context, isLinux, "Linux"));

/** A host outside EC2 with one repository at a place, and what its command line comes to. */
async function outside(url: string, more = "") {
  const home = await folder();
  const password = path.join(home, "password");
  const config = path.join(home, "config.yaml");
  await writeFile(password, "a good password\n", { mode: 0o600 });
  const repository = `repositories: { central: { url: "${url}", passwordFile: ${password} } }`;
  const jobs = `jobs: { nightly: { files: { repository: central, paths: [/srv] } } }`;
  const text = `version: 1\nhost: { name: build }\nmetrics: { enabled: false }\n${repository}\n${jobs}\n${more}`;
  await writeFile(config, text, { mode: 0o600 });
  const env = { HOME: home, STATE_DIRECTORY: path.join(home, "state"), RUNTIME_DIRECTORY: home };
  const run = (words: readonly string[], onStart?: (pid: number) => void) =>
    execute([process.execPath, agent, "--config", config, ...words], env, onStart);
  return { home, password, run };
}

test("what a terminal would obey is shown as codes in errors, too", async () => {
  const { run } = await outside("/nowhere");
  const red = "red\u001b[31m";
  for (const words of [
    ["run", red],
    ["restore", "ls", "/srv", "--point", red],
  ]) {
    const { code, stderr } = await run(words);
    expect([code, stderr]).toEqual([64, expect.stringContaining("red\\u{1b}[31m")]);
    expect(stderr).not.toContain("\u001b");
  }
});

test("a faulty file is not told of outputs that it may well name", async () => {
  const { run } = await outside("/nowhere", "unknown: 1\n");
  const { code, stdout } = await run(["check-config"]);
  expect(code).toBe(78);
  expect(stdout).toContain("unknown");
  expect(stdout).not.toContain("no Region is known");
});

test("a password file without a password says what to write into it", async (context) => {
  needRestic(context, systemRestic);
  const { run, password } = await outside("/nowhere");
  await writeFile(password, "\n");
  const { code, stdout } = await run(["repository", "list", "--json"]);
  expect(code).toBe(78);
  expect(JSON.parse(stdout).repositories[0].failure).toMatchObject({
    found: "an empty file",
    remedy: expect.stringContaining("write the repository's password into it"),
  });
});

test("status that is told to stop says so by its exit code", async (context) => {
  needRestic(context, systemRestic);
  // Takes each request and never answers.
  const server = createServer().listen(0, "127.0.0.1");
  context.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as AddressInfo;
  const { run } = await outside(`rest:http://127.0.0.1:${port}/x`);
  const { code } = await run(["status", "--refresh"], (pid) =>
    server.once("request", () => process.kill(pid, "SIGINT")),
  );
  expect(code).toBe(130);
});
