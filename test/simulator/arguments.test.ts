import { expect, test } from "vitest";
import { readArguments } from "../../src/simulator/arguments.ts";

test.each([
  [["--colour", "red"], "unknown argument --colour"],
  [["serve"], "unknown argument serve"],
  [["--port"], "--port needs a value"],
  [["--state", ""], "--state needs a value"],
  [["--port", "http"], "--port: expected a number from 0 to 65535, got http"],
  [["--port=65536"], "--port: expected a number from 0 to 65535, got 65536"],
  [["--state", "a", "--state", "b"], "--state is given twice"],
])("%j are wrong", (given, message) => {
  expect(readArguments(given)).toEqual({ kind: "wrong", message: `${message}; --help tells more` });
});

test("values follow a name or an equals sign", () => {
  const given = ["--port", "8080", "--state=/var/lib/a=b", "--scenario", "s.json"];
  const expected = { kind: "serve", port: 8080, stateDirectory: "/var/lib/a=b", scenarioFile: "s.json" };
  expect(readArguments(given)).toEqual(expected);
});

test("without any, it serves the default scenario on any port, in memory", () => {
  const expected = { kind: "serve", port: 0, stateDirectory: undefined, scenarioFile: undefined };
  expect(readArguments([])).toEqual(expected);
});
