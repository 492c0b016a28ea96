import process from "node:process";
import { createInterface } from "node:readline";
import type { SinkSettings } from "../../src/core/log-sinks.ts";
import type { OutboxWaits } from "../../src/log/outbox.ts";
import { openSinks } from "../../src/log/sinks.ts";

/**
 * Logs what it reads, line by line, and closes the log at the end of its input. It ends by itself or not at
 * all: nothing here calls `exit`.
 */
const { settings, waits } = JSON.parse(process.argv[2] ?? "{}") as {
  settings: SinkSettings;
  waits: OutboxWaits;
};
void speak();

async function speak(): Promise<void> {
  const { platform, pid, env } = process;
  const uid = process.getuid?.();
  const tell = (message: string): void => void process.stderr.write(`${message}\n`);
  const sinks = await openSinks(settings, {
    level: "debug",
    json: false,
    platform,
    pid,
    uid,
    env,
    tell,
    waits,
  });
  for await (const line of createInterface({ input: process.stdin })) sinks.log("info", line);
  process.stdout.write("ending\n");
  await sinks.close();
}
