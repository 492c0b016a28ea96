import { checkConfiguration } from "../agent/configuration.ts";
import { printChecked } from "../cli/check-config.ts";
import { exitCodes } from "../core/report.ts";
import type { Context, Execute, Result } from "./command.ts";

export const execute: Execute<"check-config"> = (command, context) =>
  command.schema ? schema() : checked(context);

async function checked({ options, stop }: Context): Promise<Result> {
  const found = await checkConfiguration(options, stop);
  const code = found.ok ? exitCodes.done : exitCodes.configuration;
  return { code, json: found, print: (out) => printChecked(found, out) };
}

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
