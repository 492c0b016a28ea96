import { expect, test } from "vitest";
import { listedUnits } from "../../src/host/unit-control.ts";

test("that there are no units is no fault, and that they cannot be listed is not taken for none", () => {
  const words = ["list-unit-files"];
  const ended = { words, stdout: "", stderr: "", message: "Command failed" };
  expect(listedUnits({ ...ended, code: 0, stdout: "ec2-backup.service enabled\n" })).toContain("enabled");
  expect(listedUnits({ ...ended, code: 1 })).toBe("");
  const stderr = "Failed to connect to bus: No such file or directory\n";
  expect(() => listedUnits({ ...ended, code: 1, stderr })).toThrow("Failed to connect to bus");
  expect(() => listedUnits({ ...ended, code: 1, stdout: "ec2-backup.service\n" })).toThrow("Command failed");
  expect(() => listedUnits(ended), "it was killed").toThrow("Command failed");
});
