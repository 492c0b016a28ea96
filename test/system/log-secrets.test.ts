import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { folder, isLinux, isRoot, need } from "../host/places.ts";
import { Bench } from "./bench.ts";
import { scenarioOf } from "./history.ts";
import { Rsyslog, rsyslogHindrance } from "./rsyslog.ts";

/** Each stands in another place, so that a leak tells where it comes from. */
const secrets = {
  environment: "env-Secret-1111",
  session: "env-Token-2222",
  endpoint: "endpoint-Pass-3333",
  optionFile: "option-Pass-4444",
  passwordFile: "redis-Pass-5555",
  hook: "hook-Token-6666",
  uri: "uri-Pass-7777",
  unknown: "unknown-Pass-8888",
};

test("no sink ever sees a secret, wherever it was given", async (context) => {
  need(context, isLinux && isRoot && rsyslogHindrance === undefined, "root on Linux and rsyslog");
  const here = await folder();
  const server = await Rsyslog.at(await folder());
  await server.start();
  const bench = await Bench.start(scenarioOf(2, 0, { limits: false }));
  onTestFinished(() => bench[Symbol.asyncDispose]());
  const optionFile = path.join(here, "my.cnf");
  const passwordFile = path.join(here, "redis");
  const file = path.join(here, "agent.log");
  await writeFile(optionFile, `[client]\nhost=127.0.0.1\nport=1\npassword=${secrets.optionFile}\n`, {
    mode: 0o600,
  });
  await writeFile(passwordFile, secrets.passwordFile, { mode: 0o600 });
  const hooks = [
    `{ command: { before: 'echo "token $API_TOKEN ${secrets.environment} ${secrets.session} and https://me:${secrets.uri}@there/" >&2; exit 3', env: { API_TOKEN: ${secrets.hook} } } }`,
    `{ mysql: { optionFile: ${optionFile} } }`,
    `{ redis: { host: 127.0.0.1, port: 1, passwordFile: ${passwordFile} } }`,
  ];
  const log = `{ level: debug, file: { path: ${file} }, syslog: { protocol: tcp4, port: ${server.port} } }`;
  const good = `version: 1\nlog: ${log}\njobs: { default: { waits: { retryFor: 1s }, hooks: [${hooks.join(", ")}] } }\n`;
  const bad = good
    .replace("mysql: {", `mysql: { password: ${secrets.unknown},`)
    .replace("] }", `, { mongodb: { uri: "mongodb://me:${secrets.uri}@127.0.0.1/" } }] }`);
  const env = {
    VENDOR_SECRET_KEY: secrets.environment,
    VENDOR_SESSION_TOKEN: secrets.session,
    AWS_ENDPOINT_URL_CLOUDWATCH: `http://me:${secrets.endpoint}@127.0.0.1:1`,
  };
  let printed = "";
  for (const text of [good, bad]) {
    await writeFile(bench.config, text, { mode: 0o600 });
    for (const command of ["run", "plan"]) {
      const { stderr } = await bench.execute([command, "--config", bench.config], { env });
      printed += stderr;
    }
  }
  await server.has("error: cannot use the configuration");
  const sinks = {
    console: printed,
    file: readFileSync(file, "utf8"),
    syslog: server
      .arrived()
      .map(({ text }) => text)
      .join("\n"),
  };
  for (const [name, text] of Object.entries(sinks)) {
    // What failed was logged, and with what it had to say.
    expect(text, name).toContain("token *** *** *** and https://***@there/");
    expect(text, name).toContain("cannot connect to 127.0.0.1:1");
    expect(text, name).toContain("cannot connect to Redis");
    expect(text, name).toContain("cannot publish metrics");
    const leaks = Object.entries(secrets).filter(([, secret]) => text.includes(secret));
    expect(leaks, `${name}:\n${text}`).toEqual([]);
  }
});
