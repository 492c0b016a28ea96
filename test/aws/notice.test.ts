import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { publishNotice } from "../../src/aws/notice.ts";
import { topicService } from "../fakes/topic-service.ts";

const topic = "arn:aws:sns:ap-southeast-2:123456789012:backups";
const options = { userAgent: [["ec2-backup-agent", "1"]], requestTimeout: 5_000, route: undefined } as const;
const notice = { subject: "Backup FAILED: web-1", text: "It was NOT made.\n\nÜber & <all>\n" };

function environment(url: string): void {
  vi.stubEnv("AWS_ENDPOINT_URL_SNS", url);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_REGION", "eu-central-1");
  onTestFinished(() => void vi.unstubAllEnvs());
}

test("a notice arrives as it is, asked for in the region of the topic", async () => {
  const sns = await topicService();
  environment(sns.url);
  await publishNotice(topic, notice, options);
  expect(sns.published).toEqual([
    { topic, subject: notice.subject, message: notice.text, signedFor: "ap-southeast-2/sns" },
  ]);
});

test("a failure of the service that passes is outlived", async () => {
  const sns = await topicService((number) =>
    number === 1 ? { status: 500, code: "InternalError" } : undefined,
  );
  environment(sns.url);
  await publishNotice(topic, notice, options);
  expect(sns.asked()).toBe(2);
  expect(sns.published).toHaveLength(1);
});

test.each([
  ["AuthorizationError", 403, "denied"],
  ["NotFound", 404, "refused"],
  ["KMSAccessDenied", 400, "refused"],
])("what SNS refuses by %s is a failure that names topic and code", async (code, status, kind) => {
  const sns = await topicService(() => ({ status, code }));
  environment(sns.url);
  await expect(publishNotice(topic, notice, options)).rejects.toMatchObject({
    kind,
    doing: `publish a notice to ${topic}`,
    found: expect.stringContaining(code),
  });
});

test("a service that never answers does not hold us longer than a request may take", async () => {
  const sockets: { destroy(): void }[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  environment(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const began = performance.now();
  await expect(publishNotice(topic, notice, { ...options, requestTimeout: 400 })).rejects.toMatchObject({
    kind: "unreachable",
  });
  expect(performance.now() - began).toBeLessThan(20_000);
});
