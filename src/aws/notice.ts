import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { Notice } from "../core/notice.ts";
import { askAws } from "./ask.ts";
import { type ConnectionOptions, clientConfig } from "./connection.ts";

/**
 * Publishes a message to an SNS topic, in the topic's own region. A request whose answer is lost is sent again
 * by the SDK: a person may read a message twice, but none is lost. Throws as every request to AWS does.
 */
export async function publishNotice(
  topic: string,
  { subject, text }: Notice,
  options: Omit<ConnectionOptions, "region">,
): Promise<void> {
  // arn:partition:sns:region:account:name
  const region = topic.split(":")[3] ?? "";
  const doing = `publish a notice to ${topic}`;
  const client = new SNSClient(clientConfig({ ...options, region }));
  const command = new PublishCommand({ TopicArn: topic, Subject: subject, Message: text });
  try {
    await askAws(options.requestTimeout, new AbortController().signal, doing, (abortSignal) =>
      client.send(command, { abortSignal }),
    );
  } finally {
    client.destroy();
  }
}
