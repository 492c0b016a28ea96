// A simulated AWS for a machine of the lab, to be started in its network. Reads one request to the control
// surface a line, as JSON, and answers each with a line; ends with its input.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Scenario } from "../../../src/simulator/scenario.ts";
import { startSimulator } from "../../../src/simulator/server.ts";

interface Wanted {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

async function main(): Promise<void> {
  const scenario = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Scenario;
  const simulator = await startSimulator({ scenario });
  const say = (answer: unknown): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  say(simulator.environment);
  for await (const line of createInterface({ input: process.stdin })) {
    const { method, path, body } = JSON.parse(line) as Wanted;
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${simulator.url}/_simulator/${path}`, { method, ...sent });
    say(await answer.json());
  }
  await simulator.close();
}

await main();
