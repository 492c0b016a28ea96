import path from "node:path";
import { expect, test } from "vitest";
import { node } from "../host/places.ts";
import { execute } from "../system/bench.ts";

test("a thousand runs leave no memory behind", async () => {
  const [program = "", ...words] = node;
  const script = path.join(import.meta.dirname, "thousand-runs.ts");
  const ended = await execute([program, "--expose-gc", ...words, script, "1000"], {});
  expect(ended.code, ended.stderr).toBe(0);
  const { started, heap } = JSON.parse(ended.stdout) as { started: number; heap: [number, number] };
  expect(started).toBe(1_200);
  expect(heap).toHaveLength(2);
  // A forgotten timer, task or listener of a kilobyte would be seen.
  expect(heap[1] - heap[0]).toBeLessThan(1024 * 1024);
});
