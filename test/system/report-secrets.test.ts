import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";

import { pingService } from "../fakes/ping-service.ts";
import { topicService } from "../fakes/topic-service.ts";
import { isLinux, isRoot, need } from "../host/places.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const topic = "arn:aws:sns:eu-central-1:111122223333:backups";

/** Each comes from another place, so that a leak tells where it was. */
const secrets = {
  environment: "supersecrettoken123",
  longer: "supersecrettoken123-and-more",
  login: "login-Pass-2222",
  hook: "hook-Token-3333",
};

test("nothing that is recorded, told or printed of a run has a secret in it", async (context) => {
  need(context, isLinux && isRoot, "root on Linux, whose programs are trusted");
  const bench = await Bench.start(scenarioOf(1, 1, { limits: false }));
  onTestFinished(() => bench[Symbol.asyncDispose]());
  const [service, sns] = await Promise.all([pingService(), topicService()]);
  const words = `token ${secrets.environment} and ${secrets.longer}, $API_TOKEN, https://me:${secrets.login}@there/`;
  const env = { API_TOKEN: secrets.hook };
  const hooks = [
    { command: { before: `echo '${words.replace("$API_TOKEN", "'$API_TOKEN'")}'; exit 3`, env } },
  ];
  const waits = { request: "10s", capture: "10s", retryFor: "1s", retryEvery: "100ms" };
  const file = {
    version: 1,
    // An address that is none, so that it stands in an error of the run's end.
    metrics: { output: "emf" },
    notify: { topic, on: "always", ping: { url: service.url } },
    jobs: { default: { hooks, waits } },
  };
  await writeFile(bench.config, JSON.stringify(file), { mode: 0o600 });
  const start = {
    env: {
      MY_API_TOKEN: secrets.environment,
      MY_OTHER_TOKEN: secrets.longer,
      AWS_EMF_AGENT_ENDPOINT: `http://me:${secrets.login}@there/`,
      AWS_ENDPOINT_URL_SNS: sns.url,
    },
  };
  const ask = async (...more: string[]): Promise<string> => {
    const ended = await bench.execute([...more, "--config", bench.config], start);
    return `${ended.stdout}\n${ended.stderr}`;
  };
  const told: Record<string, string> = {
    run: await ask("run"),
    "run --json": await ask("run", "--json"),
    plan: await ask("plan", "--json"),
    state: readFileSync(path.join(bench.state, instance.id, "job-default.json"), "utf8"),
    ping: service.heard.map(({ body }) => body).join("\n"),
    topic: sns.published.map(({ message }) => message).join("\n"),
    html: await ask("report", "--format", "html"),
    markdown: await ask("report", "--format", "md"),
    data: await ask("report", "--format", "json"),
    status: await ask("status", "--json"),
  };
  for (const [name, text] of Object.entries(told)) {
    const leaks = Object.entries(secrets).filter(([, secret]) => text.includes(secret.slice(0, 12)));
    expect(leaks, `${name}:\n${text}`).toEqual([]);
  }
  // What failed is told all the same, with what it had to say.
  for (const name of ["run", "run --json", "state", "ping", "topic", "html", "markdown", "data"])
    expect(told[name]?.replaceAll("\\*", "*"), name).toContain("token *** and ***, ***, https://***@there/");
  expect(told["run --json"]).toContain('AWS_EMF_AGENT_ENDPOINT is \\"http://***@there/');
});
