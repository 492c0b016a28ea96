#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import { help, readArguments } from "./arguments.ts";
import type { Scenario } from "./scenario.ts";
import { readScenario, ScenarioError } from "./scenario-check.ts";
import { type Simulator, startSimulator } from "./server.ts";

const exit = { usage: 64, cannotCreate: 73, configuration: 78 } as const;

async function main(): Promise<void> {
  const command = readArguments(process.argv.slice(2));
  if (command.kind === "help") {
    process.stdout.write(help);
    return;
  }
  if (command.kind === "wrong") return fail(exit.usage, command.message);
  const scenario = await loadScenario(command.scenarioFile);
  if (scenario === undefined) return;
  const simulator = await start(scenario, command.port, command.stateDirectory);
  if (simulator === undefined) return;
  process.stdout.write(`${JSON.stringify(simulator.environment)}\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  await simulator.close();
}

async function loadScenario(file: string | undefined): Promise<Scenario | undefined> {
  if (file === undefined) return {};
  try {
    return readScenario(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    fail(exit.configuration, `${file}: ${(error as Error).message}`);
    return undefined;
  }
}

async function start(
  scenario: Scenario,
  port: number,
  stateDirectory: string | undefined,
): Promise<Simulator | undefined> {
  try {
    return await startSimulator({
      scenario,
      port,
      ...(stateDirectory === undefined ? {} : { stateDirectory }),
    });
  } catch (error) {
    fail(error instanceof ScenarioError ? exit.configuration : exit.cannotCreate, (error as Error).message);
    return undefined;
  }
}

function fail(code: number, message: string): void {
  process.stderr.write(`ec2-backup-simulator: ${message}\n`);
  process.exitCode = code;
}

await main();
