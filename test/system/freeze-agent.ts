// An agent that does nothing but freeze: prepares, and then does a step at each line of its input.
import { createInterface } from "node:readline";
import type { Held, PreparedHook } from "../../src/core/hook.ts";
import { type FreezeOptions, freezeHook } from "../../src/hooks/fsfreeze.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as Omit<FreezeOptions, "agent" | "onFailure">;
const facts = { job: "default", run: "r", trigger: "manual", instanceId: "i-0", volumes: [] };
const { signal } = new AbortController();
const say = (word: string, more: unknown = {}): void =>
  void process.stdout.write(`${JSON.stringify({ word, ...(more as object) })}\n`);

let hook: PreparedHook | undefined;
let held: Held | undefined;

const steps: Readonly<Record<string, () => Promise<void>>> = {
  prepare: async () => {
    hook = await freezeHook({ ...options, onFailure: "abort", agent: { pid: process.pid } }).prepare(
      facts,
      signal,
    );
    say("prepared");
  },
  hold: async () => {
    const begun = performance.now();
    held = await hook?.hold(signal);
    say("held", { ms: performance.now() - begun });
  },
  release: async () => say("released", { holding: await held?.release(true) }),
  close: async () => {
    await hook?.close();
    say("closed");
  },
  block: async () => {
    for (;;);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await steps[line]?.();
  } catch (error) {
    const { kind, message } = error as { kind?: string; message: string };
    say("failed", { step: line, kind, message });
  }
}
// Whoever led us is gone: without this the guard would wait for as long as we do.
await hook?.close();
