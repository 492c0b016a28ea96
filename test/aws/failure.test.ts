import { expect, test } from "vitest";
import { awsFailure } from "../../src/aws/failure.ts";

const said =
  "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/web/i-1 is not " +
  "authorized to perform: ec2:CreateSnapshots on resource: arn:aws:ec2:eu-central-1::snapshot/* because no " +
  "identity-based policy allows the ec2:CreateSnapshots action.";

test.each(["", " You may go."])(
  "the encoded message of a refusal is cut, and what people read stays%s",
  (after) => {
    const message = `${said} Encoded authorization failure message: ${"zJ5-_x".repeat(60)}${after}`;
    const thrown = { name: "UnauthorizedOperation", message, $metadata: { httpStatusCode: 403 } };
    const failure = awsFailure(thrown, "capture");
    expect(failure).toMatchObject({
      kind: "denied",
      code: "UnauthorizedOperation",
      found: `AWS answered UnauthorizedOperation (403): ${said}${after}`,
    });
  },
);
