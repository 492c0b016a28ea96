import { exitCodes } from "../core/report.ts";
import type { Execute, Result } from "./command.ts";
import { agentOptions } from "./options.ts";

export const execute: Execute<"check-config"> = async (command, context) => {
  const options = await agentOptions(command, context);
  if (command.schema) return schema();
  // In one file with the other commands, but nothing that a run would have to read.
  const { checkConfiguration, writtenSettings } = await import("../agent/configuration.ts");
  if (command.settings === true) {
    const { log, daemon } = writtenSettings(options.loaded);
    const { stateDirectory, self } = options;
    const json = { settings: { log, daemon, runtimeDirectory: self.runtimeDirectory, stateDirectory } };
    return { code: exitCodes.done, json, print: (out) => out.print(JSON.stringify(json.settings)) };
  }
  const { printChecked, printFaults } = await import("../cli/check-config.ts");
  const found = await checkConfiguration(options, context.stop);
  const code = found.ok ? exitCodes.done : exitCodes.configuration;
  return {
    code,
    json: found,
    print: (out) => (command.quiet ? printFaults(found, out) : printChecked(found, out)),
  };
};

async function schema(): Promise<Result> {
  const { jsonSchema } = await import("../config/json-schema.ts");
  const json = jsonSchema();
  return {
    code: exitCodes.done,
    json,
    whole: true,
    print: (out) => out.print(JSON.stringify(json, null, 2)),
  };
}
