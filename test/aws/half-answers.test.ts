import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { EC2Client } from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import type { Connection } from "../../src/aws/connection.ts";
import { livingInstances } from "../../src/aws/living-instances.ts";
import { listFiltered } from "../../src/aws/sweep-listing.ts";

const never = new AbortController().signal;

/** An EC2 that answers every question with the same document. */
async function answering<T>(body: string, ask: (connection: Connection) => Promise<T>): Promise<T> {
  const server = createServer((_, response) => {
    const inside = `<requestId>1</requestId>${body}`;
    response.setHeader("content-type", "text/xml");
    response.end(`<DescribeInstancesResponse>${inside}</DescribeInstancesResponse>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ec2 = new EC2Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" },
    maxAttempts: 1,
  });
  try {
    return await ask({ ec2, requestTimeout: 5_000 } as unknown as Connection);
  } finally {
    ec2.destroy();
    server.close();
  }
}

test.each([
  ["which instances are alive", (to: Connection) => livingInstances(to, never)(["i-0123456789abcdef0"])],
  ["which instances filters leave", (to: Connection) => listFiltered(to, [], never)],
] as const)("an answer without a list is none, where it is asked %s", async (_, ask) => {
  await expect(answering("", ask)).rejects.toMatchObject({ code: "UnreadableAnswer" });
  expect(await answering("<reservationSet/>", ask)).toEqual(new Set());
});
