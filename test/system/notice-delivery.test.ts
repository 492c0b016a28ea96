import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { expect, onTestFinished, test, vi } from "vitest";
import { need } from "../host/places.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

const simulator = path.join(import.meta.dirname, "../../src/simulator/sns");

/** Somebody who subscribed to a topic and confirmed it; gives the subjects and texts that arrive. */
async function reader(): Promise<{ url: string; arrived: { subject: string; text: string }[] }> {
  const arrived: { subject: string; text: string }[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Record<string, string>;
    if (body["Type"] === "SubscriptionConfirmation") await fetch(body["SubscribeURL"] ?? "");
    else arrived.push({ subject: body["Subject"] ?? "", text: body["Message"] ?? "" });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, arrived };
}

test("a failed run's message reaches a subscriber, under the instance's own role, and a healed one no more", async (context) => {
  need(context, existsSync(simulator), "a simulator with SNS");
  const user = { id: "AKIAEXAMPLE00000001", user: "admin" };
  const deny = [{ action: "ec2:CreateSnapshots" }];
  await using bench = await Bench.start(scenarioOf(2, 3, { accessKeys: [user], deny }));
  const person = await reader();
  const sns = new SNSClient({
    endpoint: bench.simulator.url,
    region: instance.region,
    credentials: { accessKeyId: user.id, secretAccessKey: "secret" },
  });
  onTestFinished(() => sns.destroy());
  const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name: "backups" }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: "http", Endpoint: person.url }));
  const job = "{ retention: { last: 4 }, waits: { request: 10s, capture: 10s } }";
  const file = `version: 1\njobs: { default: ${job} }\nnotify: { topic: "${TopicArn}" }\n`;
  await writeFile(bench.config, file, { mode: 0o600 });

  const failed = await bench.run();
  expect(failed.code, failed.stderr).toBe(77);
  expect(failed.report.problems.map(({ severity }) => severity)).toEqual(["error"]);
  await vi.waitFor(() => expect(person.arrived).toHaveLength(1), 10_000);
  expect(person.arrived[0]?.subject).toBe(`Backup FAILED: host (${instance.id}), job default`);
  expect(person.arrived[0]?.text).toContain("UnauthorizedOperation");

  await bench.simulator.control.settings({ deny: [] });
  expect((await bench.run()).code).toBe(0);
  await bench.simulator.control.settings({ deny: [{ action: "sns:Publish" }, ...deny] });
  await bench.tomorrow();
  const unheard = await bench.run();
  expect(unheard.code).toBe(77);
  expect(unheard.report.problems.map(({ severity, kind }) => [severity, kind])).toEqual([
    ["error", "denied"],
    ["warning", "denied"],
  ]);
  expect(person.arrived).toHaveLength(1);
});
