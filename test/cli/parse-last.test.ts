import { expect, test } from "vitest";
import { parse } from "../../src/cli/parse.ts";

const parsed = (words: string) => parse(words.split(" "), "1.0.0");

test("a last run is asked for by a word, and may be given a time", () => {
  expect(parsed("run --last --within 30s")).toMatchObject({ command: { last: { within: 30_000 } } });
  expect(parsed("run nightly --last")).toMatchObject({ command: { jobs: ["nightly"], last: {} } });
  expect(parsed("run")).not.toHaveProperty("command.last");
});

test.each(["--dry-run", "--wait", "--splay 5m"])("there is no time in it for %s", (words) => {
  expect(parsed(`run --last ${words}`)).toMatchObject({
    kind: "usage",
    message: expect.stringContaining("cannot be used with"),
  });
});

test("its time without it is refused, since an ordinary run would prune and take what time it takes", () => {
  expect(parsed("run --within 30s")).toMatchObject({
    kind: "usage",
    message: expect.stringContaining("--within goes with --last"),
  });
});
