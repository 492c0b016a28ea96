import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

/** What SNS posted. */
interface Posted {
  headers: IncomingHttpHeaders;
  body: Record<string, string>;
}

/** An HTTP endpoint on loopback that ends with the test. */
export interface Subscriber {
  url: string;
  posted: Posted[];
  /** The messages of alarms among what was posted, as `name: OLD -> NEW`. */
  alarms(): string[];
}

/**
 * Starts one.
 * @param confirms whether it follows the link of a SubscriptionConfirmation, as a subscriber must.
 * @param status what it answers.
 */
export async function subscriber(confirms = true, status = 200): Promise<Subscriber> {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    void text(request).then(async (content) => {
      const body = JSON.parse(content) as Record<string, string>;
      posted.push({ headers: request.headers, body });
      if (confirms && body.Type === "SubscriptionConfirmation") await fetch(body.SubscribeURL ?? "");
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/inbox`,
    posted,
    alarms: () =>
      posted
        .filter(({ body }) => body.Type === "Notification" && body.Message?.startsWith("{"))
        .map(({ body }) => {
          const alarm = JSON.parse(body.Message ?? "") as Record<string, string>;
          return `${alarm.AlarmName}: ${alarm.OldStateValue} -> ${alarm.NewStateValue}`;
        }),
  };
}
