// Stands in for the runtime of AWS Lambda: loads the bundle once, answers one invocation after the other, and hears of
// them on its stdin. The answers go to a descriptor of their own, as they go to the runtime's API there.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { handler } = await import(pathToFileURL(process.argv[2]).href);
for await (const line of createInterface({ input: process.stdin })) {
  const { event, ms } = JSON.parse(line);
  const end = performance.now() + ms;
  const name = process.env.AWS_LAMBDA_FUNCTION_NAME;
  const context = {
    functionName: name,
    invokedFunctionArn: `arn:aws:lambda:${process.env.AWS_REGION}:111122223333:function:${name}`,
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => Math.max(0, Math.round(end - performance.now())),
  };
  let answer;
  try {
    answer = { result: (await handler(event, context)) ?? null };
  } catch (error) {
    answer = { errorType: error.name, errorMessage: error.message };
  }
  writeSync(3, `${JSON.stringify({ ...answer, left: Math.round(end - performance.now()) })}\n`);
}
