import http from "node:http";
import { listening } from "./listening.ts";

/** A message as the topic got it. */
export interface Published {
  readonly topic: string;
  readonly subject: string;
  readonly message: string;
  /** Region and service of the signature. */
  readonly signedFor: string;
}

/** SNS on loopback, as far as Publish goes (its Query protocol). It goes with the test. */
export async function topicService(
  answer: (number: number) => { status: number; code: string } | undefined = () => undefined,
): Promise<{ url: string; published: readonly Published[]; asked: () => number }> {
  const published: Published[] = [];
  let asked = 0;
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (more: string) => {
      body += more;
    });
    request.on("end", () => {
      asked += 1;
      const given = new URLSearchParams(body);
      const refused =
        given.get("Action") === "Publish" ? answer(asked) : { status: 400, code: "InvalidAction" };
      response.setHeader("content-type", "text/xml");
      if (refused !== undefined) {
        response.statusCode = refused.status;
        const told = `<Type>Sender</Type><Code>${refused.code}</Code><Message>no</Message>`;
        response.end(`<ErrorResponse><Error>${told}</Error><RequestId>r</RequestId></ErrorResponse>`);
        return;
      }
      const [, scope = ""] =
        /Credential=[^/]+\/\d+\/(\S+)\/aws4_request/.exec(request.headers.authorization ?? "") ?? [];
      published.push({
        topic: given.get("TopicArn") ?? "",
        subject: given.get("Subject") ?? "",
        message: given.get("Message") ?? "",
        signedFor: scope,
      });
      const result = "<PublishResult><MessageId>m</MessageId></PublishResult>";
      response.end(
        `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">${result}</PublishResponse>`,
      );
    });
  });
  const port = await listening(server);
  return { url: `http://127.0.0.1:${port}`, published, asked: () => asked };
}
