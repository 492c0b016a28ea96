import { expect, test } from "vitest";
import { concealer } from "../../src/core/conceal.ts";
import { failureOfEnd } from "../../src/hooks/command-failure.ts";
import { OutputTail } from "../../src/host/output-tail.ts";

const secret = "first-half-of-it second-half-of-it";

test("a secret is hidden before output is cut, so that no half of it is left", () => {
  const story = { doing: "run", timeout: 1_000, path: "/bin", conceal: concealer([secret]) };
  // The cut of 2,000 characters goes through the secret.
  for (const after of [1_970, 1_985]) {
    const output = new OutputTail(8_192);
    output.add(Buffer.from(`${"x".repeat(500)}${secret}${"y".repeat(after)}\n`));
    const found = failureOfEnd({ code: 3, signal: null, ms: 1, output }, story)?.found;
    expect(found).toMatch(/^it ended with 3; its last output: \.\.\..*y{1970}/);
    expect(found).not.toMatch(/half/);
  }
});

test("output of which nothing can be seen is none", () => {
  const output = new OutputTail(8_192);
  output.add(Buffer.from(" \n\n"));
  const story = { doing: "run", timeout: 1_000, path: "/bin", conceal: concealer([]) };
  expect(failureOfEnd({ code: 3, signal: null, ms: 1, output }, story)?.found).toBe(
    "it ended with 3; it printed nothing",
  );
});
